// An agent that writes an event and reads it back; prints how many there are then.

import type { CountedEvent } from "../../src/pod/event.ts";
import { EventJournal } from "../../src/systemd/event-journal.ts";
import { waitUntil } from "../wait-until.ts";

const event: CountedEvent = {
  object: { kind: "Node" },
  type: "Normal",
  reason: "Starting",
  message: "Starting",
  count: 1,
  firstMs: 1,
  lastMs: 1,
};
const journal = new EventJournal(process.argv[2] ?? "");
journal.write(event);
const { signal } = new AbortController();
const events = await waitUntil("it to be there", async () => {
  const found = await journal.read(signal);
  return found.length > 0 && found;
});
console.log(events.length);
