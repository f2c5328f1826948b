import type { AnyActorLogic, AnyMachineSnapshot, AnyStateMachine } from 'xstate'
import { RuntimeError } from '../../error.ts'
import type { ActorLogic, Child } from '../port.ts'
import { identityOf } from './identity.ts'
import { type Checks, machineLogic } from './machine.ts'
import { transitionLogic } from './transition.ts'

export interface Xstate5Options {
  /** 32 bytes that stand for the machine and all it uses, of a bundle; default by `identityOf`. */
  readonly id?: Uint8Array
  /** Default `step`, and `store` where `NODE_ENV` is `production`. */
  readonly checks?: Checks
}

/**
 * An XState 5 machine as the logic of an actor. Children that are machines or of `fromTransition` become actors;
 * those of `fromPromise`, `fromCallback` and `fromObservable` effect actors.
 *
 * @throws RuntimeError `BRUME_RUNTIME_LOGIC` for what is no machine of XState 5
 */
export function xstate5(machine: AnyStateMachine, options: Xstate5Options = {}): ActorLogic<AnyMachineSnapshot> {
  if (!isMachine(machine)) {
    throw new RuntimeError('BRUME_RUNTIME_LOGIC', 'not a machine of XState 5; give what createMachine() answers')
  }
  const { id = identityOf(machine), checks = defaultChecks() } = options
  return machineLogic(machine, { id, checks, child: (logic) => childOf(logic, checks) })
}

/** By shape, for XState exports no classes for these, and there may be several XStates. */
function childOf(logic: unknown, checks: Checks): Child | undefined {
  if (isMachine(logic)) return { kind: 'logic', logic: xstate5(logic, { checks }) }
  if (!isLogic(logic)) return undefined
  // Those that do something when they start: promises, callbacks, observables.
  if ('start' in logic) return { kind: 'effect', logic }
  return { kind: 'logic', logic: transitionLogic(logic, { id: identityOf(logic), checks }) }
}

function isLogic(value: unknown): value is AnyActorLogic {
  return typeof value === 'object' && value !== null && 'transition' in value && 'getInitialSnapshot' in value
}

function isMachine(value: unknown): value is AnyStateMachine {
  return isLogic(value) && 'provide' in value && 'restoreSnapshot' in value && 'root' in value
}

function defaultChecks(): Checks {
  return process.env.NODE_ENV === 'production' ? 'store' : 'step'
}
