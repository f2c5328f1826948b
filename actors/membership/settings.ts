import { utf8 } from '@brume/codec'
import type { Wanted } from '@brume/ports'
import {
  ADDRESS_BYTES_MAX,
  ADDRESSES_MAX,
  CAPABILITIES_MAX,
  CAPABILITY_BYTES_MAX,
  type DeviceClass,
  EPOCH_MS,
  OPERATOR_BYTES_MAX,
  type OperatorCertificate,
  type Place,
  PROFILES_MAX,
  REGION_BYTES_MAX,
  type RecordBody,
  SITE_BYTES_MAX
} from '@brume/protocols/membership'
import { MembershipError } from './errors.ts'
import { TIMING, type Timing } from './limits.ts'

/** What an operator or another room may state. Everything has a default. */
export interface MembershipSettings {
  /** Only `open` so far: anyone may join. */
  readonly admission?: 'open'
  /** Length of an epoch, as the network's parameters say. */
  readonly epochMs?: number
  readonly operator?: string
  readonly site?: string
  readonly region?: string
  readonly certificate?: OperatorCertificate
  /** `FLAG` bits of what this peer offers. */
  readonly flags?: number
  /** Outbound neighbors; by device class where absent. */
  readonly degree?: RecordBody['degree']
  /** Execution profiles of tasks. */
  readonly profiles?: readonly number[]
  /** Capability ids beside the detected ones. */
  readonly capabilities?: readonly string[]
  /** Kept connected whatever happens. */
  readonly bootstrap?: readonly Wanted[]
  /** Epoch of the identity's birth, from its file: survives the loss of journal and store. */
  readonly notBefore?: number
  readonly timing?: Partial<Timing>
}

export interface CheckedSettings {
  readonly epochMs: number
  readonly place: Place
  readonly certificate: OperatorCertificate | null
  readonly flags: number
  readonly degree: RecordBody['degree']
  readonly profiles: readonly number[]
  readonly capabilities: readonly string[]
  readonly bootstrap: readonly Wanted[]
  readonly notBefore: number | undefined
  readonly timing: Timing
}

const DEGREE: Record<DeviceClass, RecordBody['degree']> = {
  server: 12,
  desktop: 8,
  laptop: 8,
  tablet: 6,
  smartphone: 6,
  'raspberry-pi': 6,
  iot: 4
}
const EPOCH_MS_MIN = 1_000
const U16_MAX = 0xffff
const U32_MAX = 0xffff_ffff

/** Fills in defaults. Throws `MembershipError` `BRUME_MEMBERSHIP_SETTINGS` naming what cannot go into a record. */
export function checkSettings(
  settings: MembershipSettings,
  host: { readonly class: DeviceClass; readonly capabilities: readonly string[] }
): CheckedSettings {
  const place = { operator: settings.operator ?? '', site: settings.site ?? '', region: settings.region ?? '' }
  const profiles = settings.profiles ?? []
  const capabilities = [...new Set([...(settings.capabilities ?? []), ...host.capabilities])]
  const epochMs = settings.epochMs ?? EPOCH_MS
  fits('operator', place.operator, OPERATOR_BYTES_MAX)
  fits('site', place.site, SITE_BYTES_MAX)
  fits('region', place.region, REGION_BYTES_MAX)
  for (const capability of capabilities) fits('capability', capability, CAPABILITY_BYTES_MAX)
  demand(profiles.length <= PROFILES_MAX && profiles.every(isUint(U16_MAX)), `at most ${PROFILES_MAX} profiles of u16`)
  demand(isUint(U16_MAX)(settings.flags ?? 0), 'flags are a u16')
  demand(isUint(U32_MAX)(settings.notBefore ?? 0), 'notBefore is an epoch number')
  demand(Number.isSafeInteger(epochMs) && epochMs >= EPOCH_MS_MIN, `an epoch lasts at least ${EPOCH_MS_MIN} ms`)
  return {
    epochMs,
    place,
    certificate: settings.certificate ?? null,
    flags: settings.flags ?? 0,
    degree: settings.degree ?? DEGREE[host.class],
    profiles,
    // What the operator names comes first; of what was detected the rest is cut.
    capabilities: capabilities.slice(0, CAPABILITIES_MAX),
    bootstrap: settings.bootstrap ?? [],
    notBefore: settings.notBefore,
    timing: { ...TIMING, ...settings.timing }
  }
}

/** Own addresses as a record can hold them, best first. */
export function localAddresses(addresses: readonly string[]): readonly string[] {
  const usable = addresses.filter((address) => address.startsWith('/') && utf8(address).length <= ADDRESS_BYTES_MAX)
  return [...new Set(usable)].slice(0, ADDRESSES_MAX)
}

function fits(what: string, text: string, bytesMax: number): void {
  demand(text.isWellFormed() && utf8(text).length <= bytesMax, `${what} "${text}" has more than ${bytesMax} bytes`)
}

function isUint(max: number): (value: number) => boolean {
  return (value) => Number.isInteger(value) && value >= 0 && value <= max
}

function demand(holds: boolean, expected: string): void {
  if (!holds) throw new MembershipError('BRUME_MEMBERSHIP_SETTINGS', `${expected}: change the setting`)
}
