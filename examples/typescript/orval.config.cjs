module.exports = {
  bookstore: {
    input: "../generated/openapi.json",
    output: {
      target: "../generated/typescript/orval.ts",
      client: "fetch",
      // What the client reads: not the JSON-LD and NDJSON that are there for others.
      override: { contentType: { include: ["application/json", "application/problem+json", "multipart/form-data", "application/x-www-form-urlencoded"] } },
    },
  },
};
