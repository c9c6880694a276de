// A client of the bookstore: log in, search, page by cursor, create, change with If-Match, tell refusals apart.
import createClient from "openapi-fetch";
import type { components, paths } from "../../generated/typescript/schema";

type Book = components["schemas"]["ExpandedBook"];
type PartialBook = components["schemas"]["PartialBook"];

const baseUrl = process.argv[2] ?? "http://127.0.0.1:8000";

// The media types this client reads: books are also served as JSON-LD, lists as NDJSON.
const api = createClient<paths, "application/json" | "application/problem+json">({ baseUrl });

/** Whether a book came whole: only a request with `fields=` is answered with parts. */
function isWhole(book: Book | PartialBook): book is Book {
  return book.version !== undefined && book.price !== undefined;
}

function fail(message: string): never {
  throw new Error(message);
}

async function logIn(username: string, password: string): Promise<void> {
  const { data, error } = await api.POST("/api/v1/auth/token", {
    body: { username, password },
    bodySerializer: (form) => new URLSearchParams(form as Record<string, string>),
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  if (error) {
    if (error.code === "mfa-required") fail(`Send ${error.mfa_token} to /api/v1/auth/mfa, with a code.`);
    fail(error.detail);
  }
  const token = data.access_token;
  api.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${token}`);
      return request;
    },
  });
}

async function search(words: string): Promise<void> {
  const { data, error } = await api.GET("/api/v1/search", { params: { query: { q: words, limit: 3 } } });
  if (error) fail(error.detail);
  const meant = data.did_you_mean ? ` (did you mean ${data.did_you_mean}?)` : "";
  console.log(`"${words}"${meant}: ${data.total} books`);
  for (const book of data.items) console.log(`  ${book.id}: ${book.title}, ${book.author ?? "anonymous"}`);
}

async function pageByCursor(pages: number): Promise<number> {
  let cursor: string | undefined;
  let seen = 0;
  for (let page = 0; page < pages; page += 1) {
    const { data, error } = await api.GET("/api/v1/books", {
      params: { query: { sort: ["-price"], limit: 50, ...(cursor === undefined ? {} : { cursor }) } },
    });
    if (error) fail(error.detail);
    seen += data.items.filter(isWhole).length;
    if (data.next_cursor === null) break;
    cursor = data.next_cursor;
  }
  return seen;
}

async function create(sku: string): Promise<components["schemas"]["BookOut"] | undefined> {
  const { data, error, response } = await api.POST("/api/v1/books", {
    body: { title: "The Mabinogion", author: "Sioned Davies", price: 9.99, quantity: 3, sku },
  });
  if (data) {
    console.log(`created ${response.headers.get("Location")}`);
    return data;
  }
  switch (error.code) {
    case "sku-taken":
    case "isbn-taken":
      console.log(`${error.status}: ${error.detail}`);
      return undefined;
    case "validation":
      for (const field of error.errors) console.log(`${error.status}: ${field.field} ${field.message}`);
      return undefined;
    default:
      fail(error.detail);
  }
}

async function change(id: number, tag: string, price: number): Promise<string> {
  const { error, response } = await api.PATCH("/api/v1/books/{book_id}", {
    params: { path: { book_id: id }, header: { "If-Match": tag } },
    body: { price },
  });
  if (!error) return response.headers.get("ETag") ?? fail("no ETag");
  if (error.code !== "stale-version") fail(error.detail);
  console.log(`${error.status}: it is at version ${error.current_version} now; read again, change again`);
  const again = await api.GET("/api/v1/books/{book_id}", { params: { path: { book_id: id } } });
  return change(id, again.response.headers.get("ETag") ?? fail("no ETag"), price);
}

async function main(): Promise<void> {
  await logIn("demo_seller", "Bookstore-demo-1!");
  await search("harry poter");
  console.log(`${await pageByCursor(3)} books on three pages`);
  const sku = `TS-${Date.now() % 100_000_000}`.padEnd(7, "0");
  const book = (await create(sku)) ?? fail("nothing was created");
  await create(sku); // 409: the SKU is taken.
  await api
    .POST("/api/v1/books", { body: { title: " ", price: -1 } })
    .then(({ error }) => {
      if (error?.code !== "validation") fail("422 was expected");
      console.log(`${error.status}: ${error.errors.map((one) => `${one.field} ${one.message}`).join("; ")}`);
    });
  const first = await change(book.id, `"${book.version}"`, 8.5);
  const second = await change(book.id, `"${book.version}"`, 7.5); // 412 first: the tag is stale.
  if (first === second) fail("the tag did not change");
  const { error } = await api.DELETE("/api/v1/books/{book_id}", { params: { path: { book_id: book.id } } });
  if (error) fail(error.detail);
  console.log("done");
}

main().catch((fault: unknown) => {
  console.error(fault);
  process.exitCode = 1;
});
