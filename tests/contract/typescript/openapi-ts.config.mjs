export default {
  input: "../../../openapi.yaml",
  // As Node resolves modules.
  output: { path: "client", module: { extension: ".js" } },
};
