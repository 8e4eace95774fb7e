// The three examples of the product document, thrown by the real SDK. Usage: node examples.js DSN
import * as Sentry from "@sentry/node";

const examples = [
  { environment: "staging", user: { id: 42, email: "john.doe@example.com" } },
  { environment: "production", user: { id: 42, email: "john.doe@example.com" } },
  { environment: "production", user: { id: 42, email: "john.doe@example.com", orgId: 55 } },
];

for (const { environment, user } of examples) {
  Sentry.init({ dsn: process.argv[2], environment });
  Sentry.setUser(user);
  const eventId = Sentry.captureException(new Error("Test error"));
  await Sentry.flush(5000);
  console.log(eventId);
}
await Sentry.close(2000);
