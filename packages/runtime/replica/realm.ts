import { constants, createContext, Script } from 'node:vm'
import type { Bundle } from './bundle.ts'
import { ReplicaError } from './errors.ts'
import type { Inside } from './inside-port.ts'

/** Objects that answer by where, when or in which order of collection they are asked. */
const REMOVED = [
  'Intl',
  'WebAssembly',
  'WeakRef',
  'FinalizationRegistry',
  'Atomics',
  'SharedArrayBuffer',
  'eval',
  'Temporal'
] as const

/** Of these prototypes, the methods that speak the language of the machine they run on. */
const LOCALE_METHODS = {
  String: ['localeCompare', 'toLocaleLowerCase', 'toLocaleUpperCase'],
  Number: ['toLocaleString'],
  BigInt: ['toLocaleString'],
  Array: ['toLocaleString'],
  Object: ['toLocaleString']
} as const

/** Functions of `Math` for which engines use approximations of their own: exact ones are in `@brume/runtime/math`. */
const INEXACT = [
  'acos',
  'acosh',
  'asin',
  'asinh',
  'atan',
  'atan2',
  'atanh',
  'cbrt',
  'cos',
  'cosh',
  'exp',
  'expm1',
  'hypot',
  'log',
  'log10',
  'log1p',
  'log2',
  'sin',
  'sinh',
  'tan',
  'tanh'
] as const

/**
 * Runs in the realm, so that what it defines is of the realm: functions of outside would hand out their own
 * `Function`. Errors thrown here are found by the check and by whoever wrote the machine; in a step that is running
 * they become an outcome.
 */
const PRELUDE = `(() => {
  'use strict'
  const refuse = (message) => { throw new Error(message) }
  for (const name of ${JSON.stringify(REMOVED)}) delete globalThis[name]
  const locales = ${JSON.stringify(LOCALE_METHODS)}
  const mute = (kind, name) =>
    Object.defineProperty(kind.prototype, name, { value: () => refuse('BRUME_RUNTIME_NONDETERMINISTIC: ' + name + ' differs between languages') })
  for (const kind of Object.keys(locales)) for (const name of locales[kind]) mute(globalThis[kind], name)
  mute(Object.getPrototypeOf(Uint8Array), 'toLocaleString')
  const noDate = () => refuse('BRUME_RUNTIME_NONDETERMINISTIC: Date differs between members; use now(event)')
  globalThis.Date = new Proxy(function Date() {}, { apply: noDate, construct: noDate, get: noDate })
  const quiet = () => {}
  globalThis.console = Object.freeze({ log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet, trace: quiet })
  Math.random = () => refuse('BRUME_RUNTIME_NONDETERMINISTIC: Math.random differs between members; use rng(event)')
  for (const name of ${JSON.stringify(INEXACT)})
    Math[name] = () => refuse('BRUME_RUNTIME_NONDETERMINISTIC: engines differ in Math.' + name + '; @brume/runtime/math has one that is the same everywhere')
  const product = (one, base, exponent) => {
    let [result, factor, left] = [one, base, exponent]
    const two = one + one
    for (; left > 0; left = (left - left % two) / two) {
      if (left % two === one) result *= factor
      if (left > one) factor *= factor
    }
    return result
  }
  const powerOfTwo = (exponent) => (exponent < 0 ? 1 / product(1, 2, -exponent) : product(1, 2, exponent))
  const wholePower = (base, exponent) => {
    if (!Number.isSafeInteger(base) || !Number.isSafeInteger(exponent) || exponent < 0) return NaN
    if (base === 0 || base === 1 || base === -1) return product(1, base, exponent === 0 ? 0 : 2 - exponent % 2)
    return exponent < 64 ? product(1, base, exponent) : NaN
  }
  Math.pow = (base, exponent) => {
    if (typeof base === 'bigint' && typeof exponent === 'bigint' && exponent >= 0n) return product(1n, base, exponent)
    if (base === 2 && Number.isSafeInteger(exponent) && exponent > -1023 && exponent < 1024) return powerOfTwo(exponent)
    const result = wholePower(base, exponent)
    if (!Number.isSafeInteger(result))
      refuse('BRUME_RUNTIME_NONDETERMINISTIC: Math.pow answers integers whose power is a safe integer, and powers of two; @brume/runtime/math has pow')
    return result
  }
  Object.freeze(Math)
})()`

const prelude = new Script(PRELUDE, { filename: 'brume:prelude' })

/** A machine in a realm of its own: nothing in it is shared with the process, or with another realm. @throws ReplicaError BUNDLE */
export function openRealm(bundle: Pick<Bundle, 'code'>): Inside {
  return realmsOf(bundle)()
}

/** As many realms of one machine as are asked for; it is read once. @throws ReplicaError BUNDLE, also when called */
export function realmsOf({ code }: Pick<Bundle, 'code'>): () => Inside {
  const script = loading(() => new Script(code, { filename: 'brume:logic' }))
  return () =>
    loading(() => {
      const realm = createContext(constants.DONT_CONTEXTIFY, { codeGeneration: { strings: false, wasm: false } })
      prelude.runInContext(realm)
      script.runInContext(realm)
      return (realm as { readonly brume: Inside }).brume
    })
}

function loading<T>(load: () => T): T {
  try {
    return load()
  } catch (cause) {
    const message = `the module cannot be loaded in a realm: ${messageOf(cause)}`
    throw new ReplicaError('BRUME_RUNTIME_BUNDLE', message, { cause })
  }
}

/** An error of another realm is no `Error` of this one. */
export function messageOf(error: unknown): string {
  const isLike = typeof error === 'object' && error !== null && 'message' in error
  return isLike ? String(error.message) : String(error)
}
