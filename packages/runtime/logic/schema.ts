import { RuntimeError } from '../error.ts'
import { plain } from './plain.ts'
import type { Json } from './port.ts'

/**
 * What zod, valibot, arktype and TypeBox's adapter have in common (standardschema.dev, version 1), as far as it is
 * used here.
 */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Outcome | PromiseLike<Outcome>
  }
}

type Outcome = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

interface Issue {
  readonly message: string
  readonly path?: readonly unknown[] | undefined
}

/** Schemas of events: one for all of them, or one for each type; a type without one is refused then. */
export type EventSchema = StandardSchema | Readonly<Record<string, StandardSchema>>

/**
 * The check of one schema: answers what the schema made of the value, which is plain too.
 *
 * @throws RuntimeError `BRUME_RUNTIME_SCHEMA` at once for a schema that answers by a promise: it would have to be
 *   awaited within the actor's turn
 */
export function schemaCheck(schema: StandardSchema): (value: Json) => Json {
  const { validate } = schema['~standard']
  probe(validate)
  return (value) => {
    const outcome = validate(value)
    if (isThenable(outcome)) return refuse('it answered by a promise')
    if (outcome.issues !== undefined) return refuse(describe(outcome.issues))
    return plain(outcome.value)
  }
}

/** As `schemaCheck`, of events; the type of an event stays what it was. @throws RuntimeError as `schemaCheck` does */
export function eventCheck(schema: EventSchema): (event: Json) => Json {
  const check = isSchema(schema) ? schemaCheck(schema) : checkByType(schema)
  return (event) => {
    const checked = check(event)
    if (typeOf(checked) !== typeOf(event)) return refuse('it changes the type of the event')
    return checked
  }
}

function checkByType(schemas: Readonly<Record<string, StandardSchema>>): (event: Json) => Json {
  const checks = new Map(Object.entries(schemas).map(([type, schema]) => [type, schemaCheck(schema)]))
  return (event) => {
    const type = typeOf(event)
    const check = typeof type === 'string' ? checks.get(type) : undefined
    return check ? check(event) : refuse('it has nothing for events of this type')
  }
}

/** A schema that awaits does so for every value, so any value tells. */
function probe(validate: StandardSchema['~standard']['validate']): void {
  const outcome = attempt(validate)
  if (!isThenable(outcome)) return
  outcome.then(undefined, () => {})
  refuse('it answers by a promise; actors take only schemas that answer at once')
}

function attempt(validate: StandardSchema['~standard']['validate']): unknown {
  try {
    return validate({ type: 'probe' })
  } catch {
    return undefined
  }
}

function isSchema(schema: EventSchema): schema is StandardSchema {
  return '~standard' in schema
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function typeOf(event: Json): unknown {
  return typeof event === 'object' && event !== null && 'type' in event ? event.type : undefined
}

/** The first of them; schemas can have thousands for one value. */
function describe(issues: readonly Issue[]): string {
  const [first] = issues
  return `${issues.length} issues, first: ${String(first?.message).slice(0, 200)}`
}

function refuse(reason: string): never {
  throw new RuntimeError('BRUME_RUNTIME_SCHEMA', `the schema refuses: ${reason}`)
}
