import { type Identity, verify } from '@brume/crypto'
import type { Registry } from '@brume/observe'
import type { Cancel, Clock, Journal, Log, Net, PeerId, Random, Store } from '@brume/ports'
import { type StateFields, type Verify, vrfPublicKey } from '@brume/protocols/membership'
import type { System, SystemRef } from '@brume/runtime'
import { fromPromise } from 'xstate'
import { clockQuality } from './adapters/clock-quality.ts'
import { createMeters } from './adapters/meters.ts'
import type { MemberChange } from './effect.ts'
import { Engine } from './effects.ts'
import type { HostDescription } from './host.ts'
import { type LifecycleEvent, membershipMachine } from './machine.ts'
import { checkSettings, type MembershipSettings } from './settings.ts'
import { type MembershipStatus, type MemberView, viewMembers, viewStatus } from './view.ts'

export type { DeathCause, MemberChange, Warrant } from './effect.ts'
export { MembershipError, type MembershipErrorCode } from './errors.ts'
export { type Detected, type DetectOptions, detectHost, type HostDescription, sampleHostState } from './host.ts'
export type { Timing } from './limits.ts'
export type { MembershipSettings } from './settings.ts'
export type { MembershipStatus, MemberView } from './view.ts'

export interface MembershipOptions {
  readonly identity: Identity
  /** 32 bytes. */
  readonly networkId: Uint8Array
  readonly net: Net
  readonly store: Store
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly registry: Registry
  readonly kernel: Pick<System, 'spawn'>
  readonly host: HostDescription
  readonly settings?: MembershipSettings
  /** Battery, heat and load of the moment, asked every 30 s. Default: as `host` says. */
  readonly sampleState?: () => Promise<StateFields>
  /** How far the wall clock can be trusted: 2 synchronised, 1 plausible, 0 unknown. Default: asks the machine. */
  readonly clockQuality?: () => Promise<0 | 1 | 2>
  /** The simulator brings its own signatures. */
  readonly verify?: Verify
}

/** Who is in the network, and whom this peer keeps connected. */
export interface Membership {
  /** Resolves when the own record is on its way; rejects with `MembershipError`. */
  start(): Promise<void>
  /** Tells the others, then lets go. Resolves when it is done; never rejects. */
  stop(): Promise<void>
  /** All known members, this peer included, dead ones too. */
  members(): readonly MemberView[]
  status(): MembershipStatus
  onChange(listener: (change: MemberChange) => void): Cancel
  /** Called once when membership had to stop by itself. */
  onFailed(listener: (error: unknown) => void): Cancel
  /** Keeps these peers connected for another actor (committees, operator-named ones) until cancelled or replaced. */
  pin(owner: string, peers: readonly PeerId[]): Cancel
}

/** Throws `MembershipError` `BRUME_MEMBERSHIP_SETTINGS` for settings that fit no record. */
export function createMembership(options: MembershipOptions): Membership {
  const { identity, net, clock, log, host } = options
  const settings = checkSettings(options.settings ?? {}, { class: host.host.class, capabilities: host.capabilities })
  const changes = new Set<(change: MemberChange) => void>()
  const failures = new Set<(error: unknown) => void>()
  const engine = new Engine({
    ports: {
      net,
      store: options.store,
      journal: options.journal,
      clock,
      random: options.random,
      log,
      meters: createMeters(options.registry),
      clockQuality: options.clockQuality ?? (() => clockQuality(clock.wall())),
      sampleState: options.sampleState
    },
    config: {
      self: identity.peerId,
      networkId: options.networkId,
      vrfKey: vrfPublicKey(identity.seed),
      sign: (message) => identity.sign(message),
      verify: options.verify ?? verify,
      epochMs: settings.epochMs,
      timing: settings.timing,
      bootstrap: settings.bootstrap,
      degree: settings.degree,
      place: settings.place,
      certificate: settings.certificate,
      host: host.host,
      work: { profiles: settings.profiles, capabilities: settings.capabilities }
    },
    local: { state: host.state, flags: settings.flags },
    notBefore: settings.notBefore,
    onChange: (change) => tell(changes, change, log)
  })

  const started = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  started.promise.catch(() => {})
  const fail = (error: unknown): void => {
    started.reject(error)
    tell(failures, error, log)
  }
  let actor: SystemRef<typeof membershipMachine> | undefined
  const send = (event: LifecycleEvent) => actor?.send(event)
  /** Why the machine is about to fail. */
  let cause: unknown
  const close = (): Promise<void> => engine.close().then(ended.resolve)
  const logic = membershipMachine.provide({
    actors: {
      load: fromPromise(() =>
        engine.load().catch((error: unknown) => {
          cause = error
          throw error
        })
      )
    },
    actions: {
      open: () => {
        engine.open({
          ready: () => void send({ type: 'ready' }),
          left: () => void send({ type: 'left' }),
          halt: (error) => {
            cause = error
            send({ type: 'halt' })
          }
        })
        started.resolve()
      },
      leave: () => engine.dispatch({ type: 'leave' }),
      close: (_, { failed }) => {
        if (failed) {
          log.error({ error: cause }, 'membership stopped')
          fail(cause)
        }
        void close()
      }
    }
  })

  return {
    start: () => {
      actor ??= options.kernel.spawn('sys/membership', logic, {
        strategy: 'stop',
        onFailed: ({ error }) => {
          fail(error)
          void close()
        }
      })
      return started.promise
    },
    stop: async () => {
      if (actor === undefined) return
      // The machine may have ended before: by itself, or with the kernel.
      if (send({ type: 'leave' }) === 'stopped') await close()
      await ended.promise
      actor.stop()
    },
    members: () => (engine.state === undefined ? [] : viewMembers(engine.state, net.links(), clock.wall())),
    status: () => viewStatus(engine.state, net.links()),
    onChange: (listener) => listen(changes, listener),
    onFailed: (listener) => listen(failures, listener),
    pin: (owner, peers) => {
      engine.dispatch({ type: 'pins.changed', owner, peers })
      return () => engine.dispatch({ type: 'pins.changed', owner, peers: [] })
    }
  }
}

function listen<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void): Cancel {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** One listener's failure is not the others'. */
function tell<T>(listeners: Iterable<(value: T) => void>, value: T, log: Log): void {
  for (const listener of listeners) {
    try {
      listener(value)
    } catch (error) {
      log.error({ error }, 'a membership listener threw')
    }
  }
}
