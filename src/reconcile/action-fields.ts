// An action as the log tells it.

import type { LogFields } from "../host/log.ts";
import { serializeStage } from "../pod/stage.ts";
import type { Action } from "./action.ts";

export function actionFields(action: Action): LogFields {
  switch (action.kind) {
    case "run": {
      const { stage, restartCount } = action.attempt;
      return { pod: action.key, why: action.reason, stage: serializeStage(stage), restartCount };
    }
    case "refresh":
      return { pod: action.key, why: action.reason };
    case "stop":
      return {
        pod: action.key,
        why: action.stop.cause?.reason ?? action.reason,
        uuid: action.revisions.map(({ uuid }) => uuid).join(","),
      };
    case "postStart":
    case "markReady":
    case "remove":
      return { pod: action.key, why: action.reason, uuid: action.revision.uuid };
    case "removePodDirectory":
      return { uid: action.uid, why: action.reason };
    default:
      return action satisfies never;
  }
}
