// Whom an image's app runs as, where the image gives a user without a group: his own groups, as with Docker and Kubernetes. (docker2aci, which
// does not look into the image, makes it a group of the user's name or number, which many images have not.)

export interface ImageOwner {
  /** A name or a number. */
  readonly user: string;
  readonly group: string;
  readonly supplementaryGids: readonly number[];
}

/** `readText`: a file of the image, empty if there is none. */
export function imageOwner(user: string, readText: (path: string) => string): ImageOwner {
  if (user === "") return { user: "0", group: "0", supplementaryGids: [] };
  const [name = "", group = ""] = user.split(":");
  if (group !== "") return { user: name || "0", group, supplementaryGids: [] };
  const entry = lines(readText("etc/passwd")).find(([login, , uid]) => login === name || uid === name);
  const [login = name, , , gid = "0"] = entry ?? [];
  const memberships = lines(readText("etc/group"))
    .filter(([, , id = "", members = ""]) => /^\d+$/.test(id) && members.split(",").includes(login))
    .map(([, , id]) => Number(id))
    .filter((id) => String(id) !== gid);
  return { user: name, group: /^\d+$/.test(gid) ? gid : "0", supplementaryGids: memberships };
}

function lines(text: string): readonly (readonly string[])[] {
  return text.split("\n").map((line) => line.split(":"));
}
