// What went wrong between us and systemd. Branch on the fields, never on the text.

export interface SystemdErrorFields {
  /** The D-Bus error: `org.freedesktop.systemd1.NoSuchUnit`. */
  readonly dbusName?: string | undefined;
  /** How a job ended that did not end with `done`: `failed`, `timeout`, `canceled`, `dependency` … (org.freedesktop.systemd1(5)). */
  readonly jobResult?: string | undefined;
  /** No answer in time; what was asked for may still happen. */
  readonly isTimeout?: boolean;
  /** There is no connection, or it ended before the answer came. */
  readonly isDisconnected?: boolean;
  /** The caller's signal was aborted. */
  readonly isCanceled?: boolean;
  readonly unit?: string | undefined;
}

export class SystemdError extends Error {
  override readonly name = "SystemdError";
  readonly dbusName: string | undefined;
  readonly jobResult: string | undefined;
  readonly isTimeout: boolean;
  readonly isDisconnected: boolean;
  readonly isCanceled: boolean;
  readonly unit: string | undefined;

  constructor(message: string, fields: SystemdErrorFields, cause?: unknown) {
    super(message, { cause });
    this.dbusName = fields.dbusName;
    this.jobResult = fields.jobResult;
    this.isTimeout = fields.isTimeout ?? false;
    this.isDisconnected = fields.isDisconnected ?? false;
    this.isCanceled = fields.isCanceled ?? false;
    this.unit = fields.unit;
  }
}
