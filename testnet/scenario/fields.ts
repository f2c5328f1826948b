import { TestnetError } from '../errors.ts'

/** Turns parsed JSON into a value of its type; `where` is the path a person looks for in the file. */
export type Reader<T> = (value: unknown, where: string) => T

/** Throws `BRUME_TESTNET_MANIFEST` with a sentence that names the field. */
export function refuse(where: string, sentence: string): never {
  throw new TestnetError('BRUME_TESTNET_MANIFEST', `${where} ${sentence}`)
}

/** An object with these fields and no others. */
export function record<T extends object>(what: string, fields: { readonly [K in keyof T]-?: Reader<T[K]> }): Reader<T> {
  const names = Object.keys(fields)
  return (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(where, `must be ${what}`)
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) refuse(`${where}.${name}`, `is no field of ${what}; those are ${names.join(', ')}`)
    }
    const found = value as Readonly<Record<string, unknown>>
    const read = (name: string): unknown => fields[name as keyof T](found[name], `${where}.${name}`)
    return Object.fromEntries(names.map((name) => [name, read(name)])) as T
  }
}

/** What stands in for a field that is left out. */
export function defaulting<T>(read: Reader<T>, missing: T): Reader<T> {
  return (value, where) => (value === undefined ? missing : read(value, where))
}

export function number(min: number, max: number): Reader<number> {
  return (value, where) => {
    if (typeof value === 'number' && value >= min && value <= max) return value
    return refuse(where, `must be a number from ${min} to ${max}, not ${JSON.stringify(value)}`)
  }
}

export function count(min: number, max: number): Reader<number> {
  return (value, where) => {
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return Number(value)
    return refuse(where, `must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`)
  }
}

export const flag: Reader<boolean> = (value, where) =>
  typeof value === 'boolean' ? value : refuse(where, `must be true or false, not ${JSON.stringify(value)}`)

export function text(pattern: RegExp, like: string): Reader<string> {
  return (value, where) => {
    if (typeof value === 'string' && pattern.test(value)) return value
    return refuse(where, `must be ${like}, not ${JSON.stringify(value)}`)
  }
}

export function choice<const T extends string>(...known: readonly T[]): Reader<T> {
  return (value, where) => {
    const found = known.find((one) => one === value)
    return found ?? refuse(where, `must be one of ${known.join(', ')}, not ${JSON.stringify(value)}`)
  }
}

export function list<T>(read: Reader<T>, min: number, max: number): Reader<readonly T[]> {
  return (value, where) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return refuse(where, `must be a list of ${min} to ${max}`)
    }
    return value.map((one, index) => read(one, `${where}[${index}]`))
  }
}
