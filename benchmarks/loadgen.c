/*
 * loadgen: POST signed webhooks as fast as some connections go, or at a fixed rate.
 *
 * Every body of DIR holds, near its end, the 32 zeros of an event id that is not one yet. Each request gets a fresh
 * id there and a signature of its own. What stands before the id is hashed once, before the clock starts, so a
 * signature costs the hash of a body's last bytes and not of the body: the tool is not what is measured.
 *
 * Closed loop (--rate 0): a connection sends its next request when the answer to the last one is there.
 * Open loop: request i is due at start + i / rate, and its latency counts from then, whether or not a connection
 * was free (no coordinated omission).
 *
 * Prints one JSON object; writes the ids that were answered 2xx, one a line, to --accepted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) { fprintf(stderr, "loadgen: %s\n", what); exit(2); }

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* ---- SHA-256 (FIPS 180-4) and HMAC (RFC 2104), with a state that can be kept and continued ---------------------- */

typedef struct { uint32_t state[8]; uint64_t bytes; uint8_t block[64]; } Hash;

static const uint32_t ROUND[64] = {
    0x428a2f98,0x71374491,0xb5c0fbcf,0xe9b5dba5,0x3956c25b,0x59f111f1,0x923f82a4,0xab1c5ed5,0xd807aa98,0x12835b01,
    0x243185be,0x550c7dc3,0x72be5d74,0x80deb1fe,0x9bdc06a7,0xc19bf174,0xe49b69c1,0xefbe4786,0x0fc19dc6,0x240ca1cc,
    0x2de92c6f,0x4a7484aa,0x5cb0a9dc,0x76f988da,0x983e5152,0xa831c66d,0xb00327c8,0xbf597fc7,0xc6e00bf3,0xd5a79147,
    0x06ca6351,0x14292967,0x27b70a85,0x2e1b2138,0x4d2c6dfc,0x53380d13,0x650a7354,0x766a0abb,0x81c2c92e,0x92722c85,
    0xa2bfe8a1,0xa81a664b,0xc24b8b70,0xc76c51a3,0xd192e819,0xd6990624,0xf40e3585,0x106aa070,0x19a4c116,0x1e376c08,
    0x2748774c,0x34b0bcb5,0x391c0cb3,0x4ed8aa4a,0x5b9cca4f,0x682e6ff3,0x748f82ee,0x78a5636f,0x84c87814,0x8cc70208,
    0x90befffa,0xa4506ceb,0xbef9a3f7,0xc67178f2};

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void compress(Hash *hash, const uint8_t *block) {
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++) {
        uint32_t big_endian;
        memcpy(&big_endian, block + 4 * i, 4);
        w[i] = ntohl(big_endian);
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    memcpy(v, hash->state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        uint32_t one = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) + choice + ROUND[i] + w[i];
        uint32_t two = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) + majority;
        memmove(v + 1, v, 28);
        v[4] += one;
        v[0] = one + two;
    }
    for (int i = 0; i < 8; i++) hash->state[i] += v[i];
}

static void hash_start(Hash *hash) {
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(hash->state, first, sizeof first);
    hash->bytes = 0;
}

static void hash_add(Hash *hash, const void *data, size_t size) {
    const uint8_t *from = data;
    while (size) {
        size_t filled = hash->bytes % 64, part = 64 - filled < size ? 64 - filled : size;
        memcpy(hash->block + filled, from, part);
        hash->bytes += part; from += part; size -= part;
        if (hash->bytes % 64 == 0) compress(hash, hash->block);
    }
}

static void hash_end(Hash *hash, uint8_t digest[32]) {
    uint64_t bits = hash->bytes * 8;
    uint8_t pad[72] = {0x80}, length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
    hash_add(hash, pad, 1 + (119 - hash->bytes % 64) % 64);
    hash_add(hash, length, 8);
    for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

static Hash key_inside, key_outside;

static void set_key(const char *key) {
    uint8_t inside[64], outside[64];
    size_t length = strlen(key);
    if (length > 64) die("the secret is longer than 64 characters");
    for (size_t i = 0; i < 64; i++) {
        uint8_t c = i < length ? (uint8_t)key[i] : 0;
        inside[i] = c ^ 0x36; outside[i] = c ^ 0x5c;
    }
    hash_start(&key_inside); hash_add(&key_inside, inside, 64);
    hash_start(&key_outside); hash_add(&key_outside, outside, 64);
}

/* ---- bodies and requests ---------------------------------------------------------------------------------------- */

enum { ID = 32, HEX = 64 };
static const char NO_ID[] = "00000000000000000000000000000000";

typedef struct { char *bytes; size_t size, id_at; Hash before_id; } Body;
static Body *bodies;
static int body_count;

static void read_body(const char *path, const char *signed_first) {
    FILE *file = fopen(path, "rb");
    Body *body = &bodies[body_count++];
    if (!file) die("a body cannot be read");
    fseek(file, 0, SEEK_END);
    body->size = (size_t)ftell(file);
    rewind(file);
    body->bytes = malloc(body->size + 1);
    if (!body->bytes || fread(body->bytes, 1, body->size, file) != body->size) die("a body cannot be read");
    fclose(file);
    char *at = memmem(body->bytes, body->size, NO_ID, ID);
    if (!at) die("a body holds no id of zeros");
    body->id_at = (size_t)(at - body->bytes);
    body->before_id = key_inside;
    hash_add(&body->before_id, signed_first, strlen(signed_first));
    hash_add(&body->before_id, body->bytes, body->id_at);
}

static int is_file(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static void read_bodies(const char *folder, const char *signed_first) {
    struct dirent **names;
    int count = scandir(folder, &names, is_file, alphasort);
    if (count <= 0) die("--bodies holds no files");
    bodies = calloc((size_t)count, sizeof *bodies);
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        read_body(path, signed_first);
    }
}

typedef struct {
    int fd, is_sending, is_busy;
    Body *body;
    char id[ID + 1], head[2048], answer[4096];
    size_t head_size, sent, got;
    double due;
} Connection;

static char *signature_header = "X-ServiceHook-Signature: ", *more_headers = "";
static char path[1024];
static struct sockaddr_in server;
static int poll_fd, free_count, connections = 8, *free_list;
static Connection *all;
static uint64_t run_id, next_number;
static double rate, duration = 5, warm_up = 1, count_from, last_answer;
static FILE *accepted_file;
static long status_count[600], broken;
static double *latencies;
static size_t latency_count, latency_room;

static void write_signature(Connection *connection, char hex[HEX + 1]) {
    Body *body = connection->body;
    Hash inside = body->before_id, outside = key_outside;
    uint8_t digest[32];
    hash_add(&inside, connection->id, ID);
    hash_add(&inside, body->bytes + body->id_at + ID, body->size - body->id_at - ID);
    hash_end(&inside, digest);
    hash_add(&outside, digest, 32);
    hash_end(&outside, digest);
    for (int i = 0; i < 32; i++) sprintf(hex + 2 * i, "%02x", digest[i]);
}

static void dial(Connection *connection) {
    int one = 1;
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(connection->fd, (void *)&server, sizeof server)) die("cannot connect");
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, connection->fd, &wanted);
}

static void listen_for_room(Connection *connection, int is_sending) {
    if (connection->is_sending == is_sending) return;
    struct epoll_event wanted = {.events = EPOLLIN | (is_sending ? EPOLLOUT : 0), .data.ptr = connection};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, connection->fd, &wanted);
    connection->is_sending = is_sending;
}

static void let_rest(Connection *connection) {
    connection->is_busy = 0;
    free_list[free_count++] = (int)(connection - all);
}

/* A connection that rests may be closed by a server that has seen nothing on it for long: nothing is lost then. */
static void lose(Connection *connection) {
    close(connection->fd);
    connection->is_sending = 0;
    dial(connection);
    if (!connection->is_busy) return;
    if (connection->due >= count_from) broken++;
    let_rest(connection);
}

/* Head, body up to the id, the id, the rest: nothing is copied for a request but its head. */
static void send_more(Connection *connection) {
    Body *body = connection->body;
    struct iovec parts[4] = {
        {connection->head, connection->head_size},
        {body->bytes, body->id_at},
        {connection->id, ID},
        {body->bytes + body->id_at + ID, body->size - body->id_at - ID}};
    size_t skip = connection->sent, total = connection->head_size + body->size;
    int first = 0;
    while (first < 4 && skip >= parts[first].iov_len) skip -= parts[first++].iov_len;
    while (connection->sent < total) {
        parts[first].iov_base = (char *)parts[first].iov_base + skip;
        parts[first].iov_len -= skip;
        ssize_t done = sendmsg(connection->fd, &(struct msghdr){.msg_iov = parts + first,
                               .msg_iovlen = (size_t)(4 - first)}, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) { listen_for_room(connection, 1); return; }
        if (done < 0) { lose(connection); return; }
        connection->sent += (size_t)done;
        skip = (size_t)done;
        while (first < 4 && skip >= parts[first].iov_len) skip -= parts[first++].iov_len;
    }
    listen_for_room(connection, 0);
}

static void launch(Connection *connection, double due) {
    char hex[HEX + 1];
    connection->body = &bodies[next_number % (uint64_t)body_count];
    snprintf(connection->id, sizeof connection->id, "%016llx%016llx",
             (unsigned long long)run_id, (unsigned long long)++next_number);
    write_signature(connection, hex);
    connection->head_size = (size_t)snprintf(connection->head, sizeof connection->head,
        "POST /%s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s%s\r\n%s\r\n",
        path, connection->body->size, signature_header, hex, more_headers);
    connection->due = due;
    connection->is_busy = 1;
    connection->sent = connection->got = 0;
    send_more(connection);
}

static void note(Connection *connection, int status, double now) {
    if (accepted_file && status / 100 == 2) fprintf(accepted_file, "%s\n", connection->id);
    if (connection->due < count_from) return;
    status_count[status % 600]++;
    last_answer = now;
    if (latency_count == latency_room) {
        latency_room = latency_room ? 2 * latency_room : 65536;
        latencies = realloc(latencies, latency_room * sizeof *latencies);
    }
    latencies[latency_count++] = now - connection->due;
}

/* By its Content-Length, or by the last chunk. */
static int is_whole(Connection *connection) {
    char *end = strstr(connection->answer, "\r\n\r\n"), *length = strcasestr(connection->answer, "content-length:");
    if (!end) return 0;
    if (!length || length > end)
        return connection->got >= 5 && !memcmp(connection->answer + connection->got - 5, "0\r\n\r\n", 5);
    return connection->got >= (size_t)(end + 4 - connection->answer) + strtoul(length + 15, NULL, 10);
}

static void read_more(Connection *connection) {
    ssize_t size = recv(connection->fd, connection->answer + connection->got,
                        sizeof connection->answer - 1 - connection->got, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) { lose(connection); return; }
    connection->got += (size_t)size;
    connection->answer[connection->got] = 0;
    if (!is_whole(connection)) return;
    note(connection, atoi(connection->answer + 9), seconds());
    let_rest(connection);
}

static void run(void) {
    double start = seconds(), stop = start + warm_up + duration, due = start;
    uint64_t launched = 0;
    count_from = start + warm_up;
    struct epoll_event events[256];
    for (;;) {
        double now = seconds();
        while (free_count && now < stop) {
            due = rate > 0 ? start + (double)launched / rate : now;
            if (due > now) break;
            launched++;
            launch(&all[free_list[--free_count]], due);
        }
        if (now >= stop && free_count == connections) break;
        if (now >= stop + 20) die("answers are still missing 20 seconds after the end");
        int wait = rate > 0 && free_count && now < stop ? (int)((due - now) * 1000) : 100;
        int count = epoll_wait(poll_fd, events, 256, wait < 0 ? 0 : wait);
        for (int i = 0; i < count; i++) {
            Connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_more(connection);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_more(connection);
        }
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at_share(double share) {
    size_t i = (size_t)(share * (double)latency_count);
    return latency_count ? 1000 * latencies[i < latency_count ? i : latency_count - 1] : 0;
}

static void report(void) {
    long fine = 0, other = 0;
    for (int i = 0; i < 600; i++) *(i / 100 == 2 ? &fine : &other) += status_count[i];
    double span = last_answer - count_from;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1e-6 * (used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    printf("{\"seconds\": %.4f, \"fine\": %ld, \"other\": %ld, \"broken\": %ld, \"sent\": %llu, \"per_second\": %.2f, "
           "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"cpu_us\": %.2f}\n",
           span, fine, other, broken, (unsigned long long)next_number, span > 0 ? fine / span : 0,
           at_share(.5), at_share(.99), at_share(1), next_number ? 1e6 * cpu / (double)next_number : 0);
}

int main(int argc, char **argv) {
    static struct option names[] = {
        {"bodies", 1, 0, 'b'}, {"secret", 1, 0, 's'}, {"signed-first", 1, 0, 'f'}, {"signature-header", 1, 0, 'h'},
        {"headers", 1, 0, 'm'}, {"port", 1, 0, 'p'}, {"path", 1, 0, 'u'}, {"connections", 1, 0, 'c'},
        {"rate", 1, 0, 'r'}, {"seconds", 1, 0, 'd'}, {"warm-up", 1, 0, 'w'}, {"accepted", 1, 0, 'a'}, {0, 0, 0, 0}};
    const char *folder = NULL, *secret = "", *signed_first = "";
    int option, port = 0;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) switch (option) {
        case 'b': folder = optarg; break;
        case 's': secret = optarg; break;
        case 'f': signed_first = optarg; break;
        case 'h': signature_header = optarg; break;
        case 'm': more_headers = optarg; break;
        case 'p': port = atoi(optarg); break;
        case 'u': snprintf(path, sizeof path, "%s", optarg[0] == '/' ? optarg + 1 : optarg); break;
        case 'c': connections = atoi(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'd': duration = atof(optarg); break;
        case 'w': warm_up = atof(optarg); break;
        case 'a': if (!(accepted_file = fopen(optarg, "w"))) die("--accepted cannot be written"); break;
        default: return 2;
    }
    if (!folder || !port || connections < 1) die("--bodies, --port and at least one connection are needed");
    set_key(secret);
    read_bodies(folder, signed_first);
    signal(SIGPIPE, SIG_IGN);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    run_id = (uint64_t)time(NULL) << 32 | (uint64_t)getpid() << 8;
    poll_fd = epoll_create1(0);
    all = calloc((size_t)connections, sizeof *all);
    free_list = calloc((size_t)connections, sizeof *free_list);
    for (int i = 0; i < connections; i++) { dial(&all[i]); let_rest(&all[i]); }
    run();
    report();
    return accepted_file && fclose(accepted_file) ? 2 : 0;
}
