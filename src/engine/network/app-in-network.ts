// An app as it runs in its pod's network: with the pod's address where its manifest has only a place for it, and with its host name.

import { type AppcRuntimeApp, engineAnnotations, podIpPlaceholder } from "../../rkt/appc.ts";

interface AppNetwork {
  readonly ip: string;
  readonly hostname: string | undefined;
}

/** `HOSTNAME` is the image's or the app's own where they have one. */
export function appInNetwork(app: AppcRuntimeApp, { ip, hostname }: AppNetwork): AppcRuntimeApp {
  if (!app.app) return app;
  const hasPlaceholder =
    app.annotations?.some(({ name }) => name === engineAnnotations.podIpVariables) === true;
  const filled = (text: string) => (hasPlaceholder ? text.replaceAll(podIpPlaceholder, ip) : text);
  const environment = (app.app.environment ?? []).map(({ name, value }) => ({ name, value: filled(value) }));
  return {
    ...app,
    app: {
      ...app.app,
      exec: (app.app.exec ?? []).map(filled),
      environment:
        hostname === undefined ? environment : [{ name: "HOSTNAME", value: hostname }, ...environment],
    },
  };
}
