import { readFile } from 'node:fs/promises'
import { hasCode, PeerError } from '../errors.ts'
import { type Config, type ConfigKey, flagName, KNOBS, type Knob, variableName } from './knobs.ts'
import { nearest } from './nearest.ts'
import { PRESETS } from './presets.ts'
import { Unfit } from './readers.ts'

/** Settings of one origin, already read. */
export type Overrides = { readonly [K in ConfigKey]?: Config[K] | undefined }

/** Longest config.json taken: some twenty settings fit into far less. */
const FILE_BYTES_MAX = 65_536

/** Variables with our prefix that are no settings of a peer: where it lives, and what tests and tools read. */
const OTHER_VARIABLES = /^BRUME_(DATA_DIR|REQUIRE|SEED|TEST_.*|TESTNET_.*|BENCH_.*)$/

/** Reads raw settings of one origin; `say` turns a key into what the person wrote there. */
function readAll(raw: object, say: (key: string) => string): Overrides {
  const settings: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(raw)) {
    if (value === undefined) continue
    if (!isKey(key)) throw unknownKey(key, say)
    settings[key] = readOne(KNOBS[key], say(key), value)
  }
  return settings
}

const isKey = (key: string): key is ConfigKey => Object.hasOwn(KNOBS, key)

function readOne(knob: Knob<unknown>, name: string, value: unknown): unknown {
  try {
    return knob.read(value)
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    throw new PeerError('BRUME_PEER_CONFIG', `${name} must be ${error.message}, not ${shown(value)}`, error)
  }
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function unknownKey(key: string, say: (key: string) => string): PeerError {
  const meant = nearest(key, Object.keys(KNOBS))
  const hint = meant === undefined ? `known are ${Object.keys(KNOBS).join(', ')}` : `did you mean ${say(meant)}?`
  return new PeerError('BRUME_PEER_CONFIG', `${say(key)} is not a setting; ${hint}`)
}

/** Settings given in code or by flags. Throws `BRUME_PEER_CONFIG`. */
export const readOverrides = (raw: object): Overrides => readAll(raw, (key) => `--${flagName(key)}`)

/** Settings in variables that begin with BRUME_. Throws `BRUME_PEER_CONFIG`, also for unknown names. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Overrides {
  const keys = new Map(Object.keys(KNOBS).map((key) => [variableName(key), key]))
  const raw: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('BRUME_') || OTHER_VARIABLES.test(name) || value === undefined) continue
    const key = keys.get(name)
    if (key === undefined) throw unknownVariable(name, keys.keys())
    raw[key] = value
  }
  return readAll(raw, variableName)
}

function unknownVariable(name: string, known: Iterable<string>): PeerError {
  const meant = nearest(name, known)
  const hint = meant === undefined ? 'unset it' : `did you mean ${meant}?`
  return new PeerError('BRUME_PEER_CONFIG', `the variable ${name} is not a setting; ${hint}`)
}

/** Settings in a JSON file; none when it does not exist. Throws `BRUME_PEER_CONFIG`. */
export async function readConfigFile(path: string): Promise<Overrides> {
  const bytes = await readFile(path).catch((error: unknown) => {
    // ENOTDIR: the folder itself is none, which whoever opens it says better.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw new PeerError('BRUME_PEER_CONFIG', `${path} cannot be read; check its permissions`, error)
  })
  return bytes === undefined ? {} : readAll(parse(path, bytes), (key) => `"${key}" in ${path}`)
}

function parse(path: string, bytes: Buffer): object {
  if (bytes.length > FILE_BYTES_MAX)
    throw new PeerError('BRUME_PEER_CONFIG', `${path} is larger than ${FILE_BYTES_MAX} bytes; it holds settings only`)
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch (error) {
    const at = error instanceof Error ? ` (${error.message})` : ''
    throw new PeerError('BRUME_PEER_CONFIG', `${path} is not valid JSON${at}; correct or remove it`, error)
  }
  throw new PeerError('BRUME_PEER_CONFIG', `${path} must hold one JSON object of settings`)
}

/** Lays settings over each other, later ones on top, and the preset they name beneath them all. */
export function layer(...origins: readonly Overrides[]): Config {
  const said: { -readonly [K in ConfigKey]?: Config[K] } = Object.assign({}, ...origins.map(withoutUndefined))
  const preset = said.preset ?? 'laptop'
  return { ...PRESETS[preset], ...said, preset }
}

const withoutUndefined = (settings: Overrides): Overrides =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
