// Sends fields (JSON on the command line) as an entry to the journal, and stays, so that journald can look who it was.

import { sendDatagram } from "../../src/host/libc.ts";
import { serializeEntry } from "../../src/systemd/event-journal.ts";

sendDatagram("/run/systemd/journal/socket", serializeEntry(JSON.parse(process.argv[2] ?? "{}")));
await Bun.sleep(60_000);
