// Verifies what the shop sends to a webhook (Standard Webhooks), by its secret or by its public key.
//
// `body` are the bytes as they came: parsed and written anew they are others. A message comes more than once now and
// then: whoever keeps the ids (`webhook-id`) of the last days does everything once.
import { createHmac, createPublicKey, timingSafeEqual, verify as verifySignature } from "node:crypto";

/** Seconds that a message may be old, or ahead: an older one is somebody's recording. */
export const TOLERANCE = 5 * 60;

/** The shop did not send this, or not now. */
export class NotGenuine extends Error {}

export interface Keys {
  /** `whsec_…`, which the shop showed once. */
  secret?: string;
  /** `whpk_…`, which `GET /webhooks/{id}` has. */
  publicKey?: string;
}

/** The id of the message, if it is genuine. `now` is in seconds. Throws NotGenuine. */
export function verify(
  headers: Record<string, string | undefined>,
  body: Buffer,
  keys: Keys,
  now: number = Date.now() / 1000,
): string {
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const id = given["webhook-id"];
  const timestamp = given["webhook-timestamp"];
  const signatures = given["webhook-signature"];
  if (id === undefined || signatures === undefined || timestamp === undefined || !/^\d+$/.test(timestamp)) {
    throw new NotGenuine("headers are missing");
  }
  if (Math.abs(now - Number(timestamp)) > TOLERANCE) throw new NotGenuine("it is too old, or the clocks differ");
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  // While a secret is replaced there are several of each kind; one that fits is enough.
  for (const signature of signatures.split(" ")) {
    const comma = signature.indexOf(",");
    const version = signature.slice(0, comma);
    const code = Buffer.from(signature.slice(comma + 1), "base64");
    if (version === "v1" && keys.secret !== undefined && fitsSecret(keys.secret, signed, code)) return id;
    if (version === "v1a" && keys.publicKey !== undefined && fitsKey(keys.publicKey, signed, code)) return id;
  }
  throw new NotGenuine("no signature fits");
}

function fitsSecret(secret: string, signed: Buffer, code: Buffer): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(signed).digest();
  return expected.length === code.length && timingSafeEqual(expected, code);
}

function fitsKey(publicKey: string, signed: Buffer, code: Buffer): boolean {
  const raw = Buffer.from(publicKey.replace(/^whpk_/, ""), "base64");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
  return verifySignature(null, signed, key, code);
}
