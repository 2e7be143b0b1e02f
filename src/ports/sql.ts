import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";

/**
 * A query builder that only compiles: `builder<Tables>().selectFrom("t")...compile()` gives a statement for `Database`.
 * It writes the common dialect (`?` placeholders), which every backend translates to its own.
 */
export function builder<Tables>(): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

/** An untyped query builder, for statements whose tables are named once. */
export const query: Kysely<any> = builder<any>();
