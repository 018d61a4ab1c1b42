// D-Bus server addresses (D-Bus Specification, "Server Addresses").

/**
 * The unix sockets that an address names, in the order to try them; an abstract one begins with NUL. Other transports are left out: nobody
 * should tell a root daemon over TCP what systemd does.
 */
export function socketPaths(address: string): readonly string[] {
  return address.split(";").flatMap((entry) => {
    const [transport, ...rest] = entry.split(":");
    if (transport !== "unix") return [];
    const parameters = new Map(
      rest
        .join(":")
        .split(",")
        .map((parameter) => {
          const equals = parameter.indexOf("=");
          return [parameter.slice(0, equals), percentDecoded(parameter.slice(equals + 1))];
        }),
    );
    const path = parameters.get("path");
    const abstract = parameters.get("abstract");
    return path ? [path] : abstract ? [`\0${abstract}`] : [];
  });
}

function percentDecoded(value: string): string {
  return value.replaceAll(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
