import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { faultOfClaims, scopesOf, tokenClaims, tokenHeader, verifyToken, type PublishedKey } from "./verify-token.ts";

const VECTORS = join(import.meta.dirname, "../../../../shared/conformance/wycheproof/json_web_signature_test.json");

interface Group {
  readonly public?: PublishedKey;
  readonly private?: PublishedKey;
  readonly tests: readonly { tcId: number; jws: unknown; result: string; comment: string }[];
}

test("Project Wycheproof's signatures are accepted and refused as they must be", { skip: !existsSync(VECTORS) }, () => {
  const { testGroups } = JSON.parse(readFileSync(VECTORS, "utf8")) as { testGroups: Group[] };
  let accepted = 0;
  for (const { public: published, private: own, tests } of testGroups) {
    const key = published ?? own!;
    for (const { tcId, jws, result, comment } of tests) {
      const found = typeof jws === "string" && verifyToken(jws, key) !== undefined;
      // One good signature has another algorithm than its key says: keys are held to what they say.
      const named = typeof jws === "string" && tokenHeader(jws)?.["alg"] === key["alg"];
      const wanted = result === "valid" && named && key.kty === "RSA";
      assert.equal(found, wanted, `${tcId} ${comment} ${JSON.stringify(key).slice(0, 80)}`);
      if (found) accepted++;
    }
  }
  assert.ok(accepted > 10);
});

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = publicKey.export({ format: "jwk" }) as PublishedKey;
const text = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
function token(claims: object, header: object = { alg: "RS256" }): string {
  const signed = `${text(header)}.${text(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
}

test("claims: issuer, audience or client, times and scopes", () => {
  const rules = { issuer: "https://i", audience: ["a", "b"], now: 1_000_000 };
  const good = { iss: "https://i", aud: ["x", "b"], exp: 1001, nbf: 999, iat: 999, scope: "read write" };
  const claims = tokenClaims(verifyToken(token(good), key)!)!;
  assert.equal(faultOfClaims(claims, rules), undefined);
  assert.deepEqual(scopesOf(claims), ["read", "write"]);
  const { aud: _none, ...withoutAudience } = good;
  assert.equal(faultOfClaims({ ...withoutAudience, client_id: "a" }, rules), undefined);
  for (const [change, fault] of [
    [{ iss: "https://j" }, /issuer/],
    [{ aud: "x", client_id: "a" }, /audience/],
    [{ exp: 1000 }, /expired/],
    [{ exp: undefined }, /expired/],
    [{ nbf: 1001 }, /not valid yet/],
    [{ iat: 1001 }, /future/],
  ] as const)
    assert.match(faultOfClaims({ ...good, ...change }, rules)!, fault);
});

test("no algorithm, a shared secret, an unknown critical header and a short key are refused", () => {
  const claims = { iss: "i" };
  assert.ok(verifyToken(token(claims), key));
  for (const header of [{ alg: "none" }, { alg: "HS256" }, { alg: "RS256", crit: ["x"] }, {}])
    assert.equal(verifyToken(token(claims, header), key), undefined);
  assert.equal(verifyToken(`${token(claims)}=`, key), undefined);
  const short = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  assert.equal(verifyToken(token(claims), short as PublishedKey), undefined);
});
