import { expect, test } from "bun:test";
import type { UnitName } from "../../src/pod/names.ts";
import { Job, type JobQueries } from "../../src/systemd/job.ts";
import { SystemdError } from "../../src/systemd/systemd-error.ts";

const unit = "gantry-x.service" as UnitName;
const options = { timeoutMs: 5000 };

/** A job 7 of systemd's: queued when told, and asked for with the answers given, one each time. */
function jobOf(answers: readonly (string | undefined | SystemdError)[] = []) {
  const queued = Promise.withResolvers<string>();
  const left = [...answers];
  const queries: JobQueries = {
    queue: () => queued.promise,
    ask: async () => {
      const answer = left.shift();
      if (answer instanceof SystemdError) throw answer;
      return answer;
    },
  };
  return { job: new Job(unit, queries), queue: () => queued.resolve("/job/7") };
}

test("a job that is over before its path is known is over", async () => {
  const { job, queue } = jobOf();
  const ended = job.run(options);
  job.removed("/job/6", "failed"); // another one of that unit's
  job.removed("/job/7", "done");
  queue();
  await ended;
});

test("after a gap a job is asked for until there is an answer", async () => {
  const { job, queue } = jobOf([new SystemdError("lost", { isDisconnected: true }), undefined, "failed"]);
  const ended = job.run(options);
  job.lookAgain(); // no path yet: nothing to ask
  queue();
  await Promise.resolve();
  for (let gap = 0; gap < 3; gap++) {
    await Bun.sleep(0);
    job.lookAgain();
  }
  await expect(ended).rejects.toMatchObject({ jobResult: "failed", unit });
});

test("a job that nobody can queue fails with that", async () => {
  const refused = new SystemdError("refused", { dbusName: "org.example.Refused" });
  const job = new Job(unit, { queue: () => Promise.reject(refused), ask: async () => undefined });
  await expect(job.run(options)).rejects.toBe(refused);
});

test("a job that fails while it is being queued fails", async () => {
  const { job, queue } = jobOf();
  const ended = job.run(options);
  const gone = new SystemdError("gone", { isDisconnected: true });
  job.fail(gone);
  queue();
  await expect(ended).rejects.toBe(gone);
});
