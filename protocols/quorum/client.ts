import {
  asArray,
  asBoolean,
  asBytes,
  asText,
  asUint,
  type CborValue,
  CodecError,
  decode,
  encode,
  optional
} from '@brume/codec'
import type { Certificate } from '@brume/consensus'
import type { ChannelProtocol } from '@brume/ports'
import { BUNDLE_BYTES_MAX, BUNDLE_HEADERS_MAX, type LeafProof, placeField, readPlace } from './bundle.ts'
import { decodeCertificate, encodeCertificate } from './certificate.ts'
import { COMMAND_BYTES_MAX, PAYLOAD_BYTES_MAX } from './id.ts'

/** The largest bundle, the largest payloads beside it, and their frame. */
const FRAME_BYTES_MAX = 1_048_576

/** Leaves and payloads of one answer, so that it fits a frame beside its bundle. */
export const ANSWER_BYTES_MAX = FRAME_BYTES_MAX - BUNDLE_BYTES_MAX - 65_536

/** Paths of one read, and bytes of each. */
export const READ_PATHS_MAX = 64
export const READ_PATH_BYTES_MAX = 512

/** Leaves of one answer: a prefix may stand for many. */
export const READ_LEAVES_MAX = 1_024

const NUMBER_MAX = 0xffff_ffff
const CODE_BYTES_MAX = 32
const MESSAGE_BYTES_MAX = 256
const MANIFEST_BYTES_MAX = 65_536
const CERTIFICATE_BYTES_MAX = 8_192

/** Between a client and the members of a group, which need not know it: each side sends on a stream of its own. */
export const CLIENT_PROTOCOL: ChannelProtocol = {
  id: '/brume/quorum-client/1.0.0',
  class: 'data',
  frameBytesMax: FRAME_BYTES_MAX
}

/** `local`: what this member has executed. `final`: nothing that was final before is missing. `certified`: shown by proof. */
export const READ_LEVELS = ['local', 'final', 'certified'] as const
export type ReadLevel = (typeof READ_LEVELS)[number]

/** Which group, and the number by which the client knows the answer: its own, and one that cannot be guessed for a fence. */
interface Asked {
  readonly groupId: Uint8Array
  readonly number: number
}

/** `epoch`: of the newest committee the client trusts; proofs lead on from there. */
export type ClientRequest = Asked &
  (
    | {
        readonly type: 'order'
        readonly epoch: number
        /** Wait for more signatures than a quorum's. */
        readonly everySigner: boolean
        readonly command: Uint8Array
      }
    | {
        readonly type: 'read'
        readonly epoch: number
        readonly level: ReadLevel
        readonly atLeast: number
        readonly paths: readonly string[]
      }
    /** Where has this member sent finalize votes? What was final before the answer is not above it at a quorum of members. */
    | { readonly type: 'fence' }
    /** Final blocks from this height on, once there are any. */
    | { readonly type: 'blocks'; readonly epoch: number; readonly from: number }
    | { readonly type: 'manifest' }
    /** The answer to that number is not wanted any more. */
    | { readonly type: 'forget' }
  )

/** What a member says; `number` is the request's. Bundles are `encodeBundle`'s bytes. */
export type ClientAnswer = { readonly number: number } & (
  | { readonly type: 'notarized' | 'final'; readonly bundle: Uint8Array; readonly payload: Uint8Array | null }
  | { readonly type: 'attested'; readonly bundle: Uint8Array }
  /** `code` without its prefix; `height` is that of the newest final block here. */
  | { readonly type: 'refused'; readonly code: string; readonly height: number; readonly message: string }
  /** `bundle` proves the first leaf, and with it the root that all are under. Null leaves: a path is absent. */
  | {
      readonly type: 'leaves'
      readonly height: number
      readonly leaves: readonly LeafProof[] | null
      readonly bundle: Uint8Array | null
    }
  /** The highest view in which this member sent a finalize vote, shown by that view's certificate; null: none yet. */
  | { readonly type: 'fenced'; readonly certificate: Certificate | null }
  /** Payloads from the wanted height on, oldest first; headers are in the bundle, and may be more. */
  | { readonly type: 'blocks'; readonly bundle: Uint8Array; readonly payloads: readonly Uint8Array[] }
  | { readonly type: 'manifest'; readonly manifest: Uint8Array }
)

const REQUEST = { order: 1, read: 2, fence: 3, blocks: 4, manifest: 5, forget: 6 } as const
const ANSWER = {
  notarized: 17,
  final: 18,
  attested: 19,
  refused: 20,
  leaves: 21,
  fenced: 22,
  blocks: 23,
  manifest: 24
} as const

/** `[type, groupId, number, ...]`, canonical CBOR. */
export function encodeClientRequest(request: ClientRequest): Uint8Array {
  return encode([REQUEST[request.type], request.groupId, request.number, ...requestFields(request)])
}

function requestFields(request: ClientRequest): readonly CborValue[] {
  switch (request.type) {
    case 'order':
      return [request.epoch, request.everySigner, request.command]
    case 'read':
      return [request.epoch, READ_LEVELS.indexOf(request.level), request.atLeast, [...request.paths]]
    case 'blocks':
      return [request.epoch, request.from]
    default:
      return []
  }
}

/** `[type, number, ...]`, canonical CBOR. */
export function encodeClientAnswer(answer: ClientAnswer): Uint8Array {
  return encode([ANSWER[answer.type], answer.number, ...answerFields(answer)])
}

function answerFields(answer: ClientAnswer): readonly CborValue[] {
  switch (answer.type) {
    case 'notarized':
    case 'final':
      return [answer.bundle, answer.payload]
    case 'attested':
      return [answer.bundle]
    case 'refused':
      return [answer.code, answer.height, answer.message]
    case 'leaves':
      return [answer.height, answer.leaves === null ? null : answer.leaves.map(placeField), answer.bundle]
    case 'fenced':
      return [answer.certificate === null ? null : encodeCertificate(answer.certificate)]
    case 'blocks':
      return [answer.bundle, [...answer.payloads]]
    case 'manifest':
      return [answer.manifest]
  }
}

/** A frame of either direction. @throws CodecError */
export function decodeClientFrame(
  bytes: Uint8Array
): { readonly request: ClientRequest } | { readonly answer: ClientAnswer } {
  const limits = { bytesMax: FRAME_BYTES_MAX, itemsMax: 65_536 }
  const [type, ...fields] = asArray(decode(bytes, limits), 'client frame', { min: 2, max: 8 })
  const code = asUint(type, 'type', 255)
  return code < ANSWER.notarized ? { request: readRequest(code, fields) } : { answer: readAnswer(code, fields) }
}

function readRequest(code: number, [group, counted, ...fields]: readonly CborValue[]): ClientRequest {
  const asked = { groupId: asBytes(group, 'groupId', 32), number: asUint(counted, 'number', NUMBER_MAX) }
  switch (code) {
    case REQUEST.order: {
      const [epoch, every, command] = asArray(fields, 'order', 3)
      return {
        ...asked,
        type: 'order',
        epoch: asUint(epoch, 'epoch'),
        everySigner: asBoolean(every, 'everySigner'),
        command: asBytes(command, 'command', { min: 1, max: COMMAND_BYTES_MAX })
      }
    }
    case REQUEST.read:
      return { ...asked, ...readRead(fields) }
    case REQUEST.blocks: {
      const [epoch, from] = asArray(fields, 'blocks', 2)
      return { ...asked, type: 'blocks', epoch: asUint(epoch, 'epoch'), from: asUint(from, 'from', undefined, 1) }
    }
    case REQUEST.fence:
      return { ...asked, type: 'fence', ...none(fields) }
    case REQUEST.manifest:
      return { ...asked, type: 'manifest', ...none(fields) }
    case REQUEST.forget:
      return { ...asked, type: 'forget', ...none(fields) }
    default:
      throw new CodecError('BRUME_CODEC_SHAPE', `${code} is no type of request`)
  }
}

function readRead(fields: readonly CborValue[]) {
  const [epoch, level, atLeast, paths] = asArray(fields, 'read', 4)
  return {
    type: 'read',
    epoch: asUint(epoch, 'epoch'),
    level: READ_LEVELS[asUint(level, 'level', READ_LEVELS.length - 1)] ?? 'local',
    atLeast: asUint(atLeast, 'atLeast'),
    paths: asArray(paths, 'paths', { min: 1, max: READ_PATHS_MAX }).map((path) =>
      asText(path, 'path', READ_PATH_BYTES_MAX)
    )
  } as const
}

function none(fields: readonly CborValue[]): Record<never, never> {
  asArray(fields, 'fields', 0)
  return {}
}

function readAnswer(code: number, [counted, ...fields]: readonly CborValue[]): ClientAnswer {
  const number = asUint(counted, 'number', NUMBER_MAX)
  switch (code) {
    case ANSWER.notarized:
      return { number, type: 'notarized', ...readOrdered(fields) }
    case ANSWER.final:
      return { number, type: 'final', ...readOrdered(fields) }
    case ANSWER.attested:
      return { number, type: 'attested', bundle: readBundle(asArray(fields, 'attested', 1)[0]) }
    case ANSWER.refused:
      return { number, ...readRefused(fields) }
    case ANSWER.leaves:
      return { number, ...readLeaves(fields) }
    case ANSWER.fenced: {
      const [certificate] = asArray(fields, 'fenced', 1)
      return { number, type: 'fenced', certificate: optional(certificate, readCertificate) }
    }
    case ANSWER.blocks:
      return { number, ...readBlocks(fields) }
    case ANSWER.manifest: {
      const [manifest] = asArray(fields, 'manifest', 1)
      return { number, type: 'manifest', manifest: asBytes(manifest, 'manifest', { min: 1, max: MANIFEST_BYTES_MAX }) }
    }
    default:
      throw new CodecError('BRUME_CODEC_SHAPE', `${code} is no type of answer`)
  }
}

function readOrdered(fields: readonly CborValue[]) {
  const [bundle, payload] = asArray(fields, 'ordered', 2)
  return { bundle: readBundle(bundle), payload: optional(payload, readPayloadBytes) }
}

function readRefused(fields: readonly CborValue[]) {
  const [code, height, message] = asArray(fields, 'refused', 3)
  return {
    type: 'refused',
    code: asText(code, 'code', CODE_BYTES_MAX),
    height: asUint(height, 'height'),
    message: asText(message, 'message', MESSAGE_BYTES_MAX)
  } as const
}

function readLeaves(fields: readonly CborValue[]) {
  const [height, leaves, bundle] = asArray(fields, 'leaves', 3)
  return {
    type: 'leaves',
    height: asUint(height, 'height'),
    leaves: optional(leaves, (list) =>
      asArray(list, 'leaves', { min: 0, max: READ_LEAVES_MAX }).map((place) => readPlace(asArray(place, 'leaf', 4)))
    ),
    bundle: optional(bundle, readBundle)
  } as const
}

function readBlocks(fields: readonly CborValue[]) {
  const [bundle, payloads] = asArray(fields, 'blocks', 2)
  const list = asArray(payloads, 'payloads', { min: 1, max: BUNDLE_HEADERS_MAX })
  return { type: 'blocks', bundle: readBundle(bundle), payloads: list.map(readPayloadBytes) } as const
}

function readBundle(value: CborValue | undefined): Uint8Array {
  return asBytes(value, 'bundle', { min: 1, max: BUNDLE_BYTES_MAX })
}

function readPayloadBytes(value: CborValue | undefined): Uint8Array {
  return asBytes(value, 'payload', { min: 1, max: PAYLOAD_BYTES_MAX })
}

function readCertificate(value: CborValue | undefined): Certificate {
  return decodeCertificate(asBytes(value, 'certificate', { min: 1, max: CERTIFICATE_BYTES_MAX }))
}
