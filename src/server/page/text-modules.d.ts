// What `with { type: "text" }` makes of the page's parts.

declare module "*.js" {
  const text: string;
  export default text;
}

declare module "*.css" {
  const text: string;
  export default text;
}
