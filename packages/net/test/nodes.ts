import { createRegistry } from '@brume/observe'
import type { LinkEvent, Log } from '@brume/ports'
import { systemClock, systemRandom } from '@brume/ports/system'
import { createNet, type NetNode, type NetOptions } from '../index.ts'

export const clock = systemClock()
export const random = systemRandom()

/** What nodes said at `warn` and above, for tests that look. */
export const said: { level: string; message: string; fields: object }[] = []

export const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (fields, message) => said.push({ level: 'warn', message, fields }),
  error: (fields, message) => said.push({ level: 'error', message, fields }),
  child: () => log
}

const started: NetNode[] = []

/** A node on loopback with its own key and registry, ended by `stopAll`. Not started. */
export async function node(networkId: Uint8Array, more: Partial<NetOptions> = {}): Promise<NetNode> {
  const made = await createNet({
    seed: random.bytes(32),
    networkId,
    profile: 'local',
    discovery: { mdns: false, bootstrap: [] },
    clock,
    random,
    log,
    registry: createRegistry(),
    ...more
  })
  started.push(made)
  return made
}

export async function stopAll(): Promise<void> {
  await Promise.all(started.splice(0).map((one) => one.stop()))
}

/** A network nobody else is on. */
export function freshNetwork(): Uint8Array {
  return random.bytes(32)
}

/** Polls until `holds`; fails with `what` after the deadline. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const endMs = clock.now() + timeoutMs
  while (!(await holds())) {
    if (clock.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await pause(10)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve))
}

export function isConnected(a: NetNode, b: NetNode): boolean {
  return a.links().some(({ peer }) => peer === b.self)
}

/** `a` keeps `b` connected from now on. */
export function wants(a: NetNode, ...others: readonly NetNode[]): void {
  a.want(others.map((b) => ({ peer: b.self, addresses: b.addresses(), priority: 'member' })))
}

/** Two started nodes, connected. */
export async function pair(more: Partial<NetOptions> = {}): Promise<[NetNode, NetNode]> {
  const network = freshNetwork()
  const [a, b] = await Promise.all([node(network, more), node(network, more)])
  await Promise.all([a.start(), b.start()])
  wants(a, b)
  await until('a pair connects', () => isConnected(a, b) && isConnected(b, a))
  return [a, b]
}

export function linkEvents(of: NetNode): LinkEvent[] {
  const events: LinkEvent[] = []
  of.onLink((event) => events.push(event))
  return events
}
