import { failure } from "./request.js";

/** The part of Standard Schema (standardschema.dev) that this client uses: Zod, Valibot, ArkType and others have it. */
export interface Schema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Result<Output> | Promise<Result<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

type Result<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly Issue[] };

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A value that has not come to its end: any part of an object can be missing, and any string can be longer. */
export type DeepPartial<Value> = Value extends readonly (infer Item)[]
  ? DeepPartial<Item>[]
  : Value extends object
    ? { [Key in keyof Value]?: DeepPartial<Value[Key]> }
    : Value;

/**
 * Returns what a schema makes of the complete answer; without a schema, the answer.
 *
 * @throws StreamError `schema_mismatch` with the places that are wrong. Messages can quote values, and are left out.
 */
export async function validated<Input, Output>(
  schema: Schema<Input, Output> | undefined,
  value: unknown,
): Promise<Output> {
  if (!schema) return value as Output;
  const result = await schema["~standard"].validate(value);
  if (!result.issues) return result.value;
  const paths = result.issues.map(pointer);
  throw failure({
    title: `The answer does not match the schema at ${paths}`,
    code: "schema_mismatch",
    errors: paths.map((path) => ({ path })),
  });
}

function pointer({ path = [] }: Issue): string {
  return path
    .map((step) => String((step as { key?: PropertyKey }).key ?? step))
    .map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}
