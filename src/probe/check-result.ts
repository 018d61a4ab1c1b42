// What one check comes to, whatever was checked.

export type CheckResult =
  | { readonly kind: "success" }
  /** A success that should be looked at. */
  | { readonly kind: "warning"; readonly message: string }
  | { readonly kind: "failure"; readonly message: string }
  /** It could not be made, which says nothing of the container. */
  | { readonly kind: "error"; readonly message: string };
