import { asArray, asBytes, asText, asUint, type CborValue, optional } from '@brume/codec'
import { malformed } from './errors.ts'
import {
  CAPABILITIES_MAX,
  CAPABILITY_BYTES_MAX,
  KEY_BYTES,
  OPERATOR_BYTES_MAX,
  PROFILES_MAX,
  REGION_BYTES_MAX,
  SIGNATURE_BYTES,
  SITE_BYTES_MAX
} from './id.ts'
import {
  type Architecture,
  DEVICE_CLASSES,
  type Gpu,
  type HostFields,
  type OperatorCertificate,
  type Place,
  POWER_MODES,
  type StateFields,
  TIERS,
  type WorkFields
} from './messages.ts'

const U8_MAX = 0xff
export const U16_MAX = 0xffff
export const U32_MAX = 0xffff_ffff

/** Battery byte of a peer on mains without a battery. */
const ON_MAINS = 255
const PERCENT_MAX = 100

export function writePlace(place: Place): CborValue {
  return [place.operator, place.site, place.region]
}

export function readPlace(value: CborValue | undefined): Place {
  const [operator, site, region] = asArray(value, 'place', 3)
  return {
    operator: asText(operator, 'operator', OPERATOR_BYTES_MAX),
    site: asText(site, 'site', SITE_BYTES_MAX),
    region: asText(region, 'region', REGION_BYTES_MAX)
  }
}

export function writeCertificate(certificate: OperatorCertificate | null): CborValue {
  return certificate === null ? null : [certificate.key, certificate.notAfter, certificate.signature]
}

export function readCertificate(value: CborValue | undefined): OperatorCertificate | null {
  return optional(value, (present) => {
    const [key, notAfter, signature] = asArray(present, 'operator certificate', 3)
    return {
      key: asBytes(key, 'operator key', KEY_BYTES),
      notAfter: asUint(notAfter, 'operator notAfter', U32_MAX),
      signature: asBytes(signature, 'operator signature', SIGNATURE_BYTES)
    }
  })
}

export function writeHost(host: HostFields): CborValue {
  return [
    architectureByte(host.architecture),
    DEVICE_CLASSES.indexOf(host.class),
    TIERS.indexOf(host.tier),
    host.cores,
    host.memoryMiB,
    host.storageMiB,
    host.gpu === null ? null : [host.gpu.kind, host.gpu.memoryMiB],
    host.fuelRate,
    host.attestation
  ]
}

export function readHost(value: CborValue | undefined): HostFields {
  const [architecture, deviceClass, tier, cores, memory, storage, gpu, fuelRate, attestation] = asArray(
    value,
    'host',
    9
  )
  return {
    architecture: readArchitecture(asUint(architecture, 'architecture', U8_MAX)),
    class: oneOf(DEVICE_CLASSES, deviceClass, 'device class'),
    tier: oneOf(TIERS, tier, 'tier'),
    cores: asUint(cores, 'cores', U16_MAX),
    memoryMiB: asUint(memory, 'memory', U32_MAX),
    storageMiB: asUint(storage, 'storage', U32_MAX),
    gpu: optional(gpu, readGpu),
    fuelRate: asUint(fuelRate, 'fuel rate', U32_MAX),
    attestation: asUint(attestation, 'attestation class', U8_MAX)
  }
}

export function writeState(state: StateFields): CborValue {
  return [state.battery ?? ON_MAINS, state.charging ? 1 : 0, state.thermal, POWER_MODES.indexOf(state.mode), state.load]
}

export function readState(value: CborValue | undefined): StateFields {
  const [battery, charging, thermal, mode, load] = asArray(value, 'state', 5)
  return {
    battery: readBattery(asUint(battery, 'battery', ON_MAINS)),
    charging: asUint(charging, 'charging', 1) === 1,
    thermal: oneOf([0, 1, 2, 3] as const, thermal, 'thermal'),
    mode: oneOf(POWER_MODES, mode, 'mode'),
    load: asUint(load, 'load', PERCENT_MAX)
  }
}

export function writeWork(work: WorkFields): CborValue {
  return [work.profiles, work.capabilities]
}

export function readWork(value: CborValue | undefined): WorkFields {
  const [profiles, capabilities] = asArray(value, 'work', 2)
  return {
    profiles: asArray(profiles, 'profiles', { min: 0, max: PROFILES_MAX }).map((item) =>
      asUint(item, 'profile', U16_MAX)
    ),
    capabilities: asArray(capabilities, 'capabilities', { min: 0, max: CAPABILITIES_MAX }).map((item) =>
      asText(item, 'capability', CAPABILITY_BYTES_MAX)
    )
  }
}

function readBattery(byte: number): number | null {
  if (byte === ON_MAINS) return null
  if (byte > PERCENT_MAX) throw malformed(`battery ${byte} is neither 0 to 100 nor 255 (mains)`)
  return byte
}

function architectureByte(architecture: Architecture): number {
  return architecture === 'x64' ? 0 : architecture === 'arm64' ? 1 : U8_MAX
}

function readArchitecture(byte: number): Architecture {
  if (byte === 0) return 'x64'
  if (byte === 1) return 'arm64'
  if (byte === U8_MAX) return 'other'
  throw malformed(`architecture ${byte} is unknown; other ones are written as 255`)
}

function readGpu(value: CborValue | undefined): Gpu {
  const [kind, memoryMiB] = asArray(value, 'gpu', 2)
  return { kind: asUint(kind, 'gpu kind', U8_MAX), memoryMiB: asUint(memoryMiB, 'gpu memory', U32_MAX) }
}

/** The member of a short list that this index names. */
function oneOf<T>(list: readonly T[], value: CborValue | undefined, what: string): T {
  const found = list[asUint(value, what, list.length - 1)]
  if (found === undefined) throw malformed(`${what} is out of range`)
  return found
}
