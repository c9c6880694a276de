// Tries the verifier with what the shop's own signer made: `make clients` runs it, `examples/webhooks/vectors.json` has it.
import { readFileSync } from "node:fs";
import { NotGenuine, verify, type Keys } from "./verify";

interface Vector {
  name: string;
  headers: Record<string, string>;
  body: string;
  now: number;
  is_genuine: boolean;
}

const path = process.argv[2] ?? "examples/webhooks/vectors.json";
const { secret, public_key, vectors } = JSON.parse(readFileSync(path, "utf8")) as {
  secret: string;
  public_key: string;
  vectors: Vector[];
};

function isGenuine(vector: Vector, keys: Keys): boolean {
  try {
    return verify(vector.headers, Buffer.from(vector.body), keys, vector.now) === vector.headers["webhook-id"];
  } catch (refusal) {
    if (refusal instanceof NotGenuine) return false;
    throw refusal;
  }
}

for (const keys of [{ secret }, { publicKey: public_key }]) {
  for (const vector of vectors) {
    if (isGenuine(vector, keys) !== vector.is_genuine) {
      throw new Error(`${vector.name} by ${Object.keys(keys).join()}: expected ${vector.is_genuine}`);
    }
  }
}
console.log(`${vectors.length} vectors by secret and by public key: as expected`);
