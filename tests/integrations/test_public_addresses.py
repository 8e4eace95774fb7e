"""Which typed addresses may ever be sent to, and which IP addresses are public."""

import pytest

from integrations.public_addresses import Target, Unfit, is_public, target_of


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.169.0.1", "2606:4700:4700::1111", "2a00:1450:4001:82a::200e"],
)
def test_addresses_of_the_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - nothing is bound to it
        "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.7",
        "203.0.113.9", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8",
        "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::1", "2001::1",
        "2001:db8::1", "3fff::1", "100::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0",
        "2606:4700::1%1", "fec0::1", "ff02::1", "ff0e::1", "", "localhost", "0x7f000001", "2130706433", "127.1",
    ],
)  # fmt: skip
def test_everything_else_is_not(address):
    assert not is_public(address)


def test_an_https_address_is_read_into_its_parts():
    assert target_of("https://Hooks.Example.com/in/1?token=a@b%20c&d=[1]") == Target(
        True, "hooks.example.com", 443, "/in/1?token=a@b%20c&d=[1]"
    )
    assert target_of("https://hooks.example.com:443") == Target(True, "hooks.example.com", 443, "/")
    assert target_of("https://[2606:4700:4700::1111]/x").host == "2606:4700:4700::1111"


@pytest.mark.parametrize(
    "address",
    [
        "", "hooks.example.com", "http://hooks.example.com/", "ftp://hooks.example.com/", "https://", "https:///x",
        "https://hooks.example.com:8443/", "https://hooks.example.com:22/", "https://hooks.example.com:99999/",
        "https://user@hooks.example.com/", "https://user:secret@hooks.example.com/", "https://hooks.example.com@10.0.0.1/",
        "https://10.0.0.1\\@hooks.example.com/", "https://hooks.example.com\\.evil.example/", "https://hooks.example.com#@10.0.0.1/",
        "https://hooks.example.com/#fragment", "https://hooks.example.com/a b", "https://hooks.example.com/a\r\nX: y",
        "https://hooks.example.com/\u00fc", "https://h\u00fc.example.com/", "https://hooks.example.com?x", "https://127.0.0.1/",
        "https://10.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data/",
        "https://localhost/", "https://intranet/", "https://2130706433/", "https://.example.com/", "https://-a.example.com/",
        " https://hooks.example.com/", "https://hooks.example.com/" + "x" * 500,
    ],
)  # fmt: skip
def test_other_addresses_are_refused_before_anything_is_looked_up(address):
    with pytest.raises(Unfit):
        target_of(address)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8115/in", "https://localhost:9/", "http://[::1]:80/"])
def test_in_development_addresses_of_this_machine_will_do(address):
    assert target_of(address, may_be_private=True).host in ("127.0.0.1", "localhost", "::1")


def test_what_is_shown_of_an_address_holds_no_path():
    assert target_of("https://hooks.example.com/secret?token=1").shown == "https://hooks.example.com/…"
