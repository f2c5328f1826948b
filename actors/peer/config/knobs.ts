import type { PeerId } from '@brume/ports'
import { bool, choice, count, multiaddrs, paths, peerIds, type Reader, text, words } from './readers.ts'

/** What a peer can be told. Flags are the kebab-case of the key, variables BRUME_ and its SNAKE_CASE. */
export interface Config {
  /** Defaults fitted to a machine: see presets.ts. */
  readonly preset: PresetName
  /** What the network is like: `local` one host (loopback only), `lan`, `wan`. */
  readonly profile: 'local' | 'lan' | 'wan'
  /** Only peers of the same network meet. A name separates; it is no secret. */
  readonly network: string
  /** Multiaddrs to listen on; empty: the profile's own (loopback, or port 4720 on all interfaces). */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others instead of the own ones, behind a port forwarding. */
  readonly announce: readonly string[]
  /** Multiaddrs with peer id to ask first, where mDNS does not reach. */
  readonly bootstrap: readonly string[]
  /** Find peers on the same LAN (`local`: on the loopback interface) by multicast. */
  readonly mdns: boolean
  /** Halves the network's memory budgets and holds 64 connections at most. */
  readonly small: boolean
  /** Outbound neighbors this peer pays for: 4, 6, 8 or 12. */
  readonly degree: 4 | 6 | 8 | 12
  /** Who runs this machine. Peers of one operator never count as independent of each other. */
  readonly operator: string
  /** Where it stands: a room, a house, a data centre. */
  readonly site: string
  readonly region: string
  /** What it offers beyond being a member. */
  readonly roles: readonly Role[]
  /** Modules of machines to run: see actors/modules.ts. */
  readonly actors: readonly string[]
  /** Peers that may start, stop and move actors here, give it theirs, and read histories; besides itself. */
  readonly admins: readonly PeerId[]
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Half-space of V8's young generation, MiB; 1 saves about 20 MiB against 16, for more frequent short pauses. */
  readonly semiSpaceMb: number
  /** Limit of V8's old generation, MiB; above it the process ends. */
  readonly heapMb: number
}

export type PresetName = 'laptop' | 'raspberry-pi' | 'server'
export type Role = 'relay' | 'bootstrap' | 'gateway' | 'storage' | 'executor'
export type ConfigKey = keyof Config

/** How one setting is read, from JSON as it is and from an environment variable as text. */
export interface Knob<T> {
  readonly read: Reader<T>
  /** Shown after the flag in `--help`, for instance `<multiaddr...>`; absent for switches. */
  readonly argument?: string
  readonly doc: string
}

/** Text in a signed record: limits of neighbors.md 3.1, in bytes of UTF-8. */
const NETWORK_BYTES_MAX = 32
const OPERATOR_BYTES_MAX = 64
const SITE_BYTES_MAX = 64
const REGION_BYTES_MAX = 32
/** A record carries at most 8 addresses, so more to listen on or to announce could not be told. */
const ADDRESSES_MAX = 8
const ANNOUNCED_BYTES_MAX = 128
/** Bootstrap peers are dialled in parallel at start; 32 are more than any network needs. */
const BOOTSTRAP_MAX = 32

/** A person's own list; more is made by code. */
const MODULES_MAX = 64
/** People, and the peers among which actors move. */
const ADMINS_MAX = 256

/** Every setting, once: reading, flags, variables and help are derived from here. */
export const KNOBS: { readonly [K in ConfigKey]: Knob<Config[K]> } = {
  preset: {
    read: choice('laptop', 'raspberry-pi', 'server'),
    argument: '<name>',
    doc: 'laptop, raspberry-pi or server'
  },
  profile: { read: choice('local', 'lan', 'wan'), argument: '<name>', doc: 'local (loopback only), lan or wan' },
  network: {
    read: text(1, NETWORK_BYTES_MAX),
    argument: '<name>',
    doc: 'only peers of the same network meet (a name, not a secret)'
  },
  listen: { read: multiaddrs(ADDRESSES_MAX), argument: '<multiaddr...>', doc: 'addresses to listen on' },
  announce: {
    read: multiaddrs(ADDRESSES_MAX, { bytesMax: ANNOUNCED_BYTES_MAX }),
    argument: '<multiaddr...>',
    doc: 'addresses to tell others'
  },
  bootstrap: {
    read: multiaddrs(BOOTSTRAP_MAX, { peer: true }),
    argument: '<multiaddr...>',
    doc: 'peers to ask first, each ending in /p2p/<id>'
  },
  mdns: { read: bool, doc: 'find peers on the same LAN by multicast' },
  small: { read: bool, doc: 'smaller network buffers, 64 connections' },
  degree: { read: choice(4, 6, 8, 12), argument: '<number>', doc: 'outbound neighbors: 4, 6, 8 or 12' },
  operator: { read: text(0, OPERATOR_BYTES_MAX), argument: '<name>', doc: 'who runs this machine' },
  site: { read: text(0, SITE_BYTES_MAX), argument: '<name>', doc: 'where it stands' },
  region: { read: text(0, REGION_BYTES_MAX), argument: '<name>', doc: 'the region of the site' },
  roles: {
    read: words('relay', 'bootstrap', 'gateway', 'storage', 'executor'),
    argument: '<role...>',
    doc: 'relay, bootstrap, gateway, storage, executor'
  },
  actors: {
    read: paths(MODULES_MAX),
    argument: '<file...>',
    doc: 'modules whose default export is a machine: each is run as one actor'
  },
  admins: {
    read: peerIds(ADMINS_MAX),
    argument: '<id...>',
    doc: 'peers that may start, stop and move actors here, and read their histories'
  },
  logLevel: {
    read: choice('debug', 'info', 'warn', 'error', 'silent'),
    argument: '<level>',
    doc: 'debug, info, warn, error or silent'
  },
  semiSpaceMb: { read: count(1, 64), argument: '<MiB>', doc: "half-space of V8's young generation" },
  heapMb: { read: count(64, 16_384), argument: '<MiB>', doc: "limit of V8's old generation" }
}

/** `logLevel` -> `log-level`. */
export const flagName = (key: string): string => key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)

/** `logLevel` -> `BRUME_LOG_LEVEL`. */
export const variableName = (key: string): string => `BRUME_${flagName(key).replaceAll('-', '_').toUpperCase()}`
