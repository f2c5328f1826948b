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
import type { MemberClass } from '@brume/consensus'
import { decodeEvidence, EVIDENCE_BYTES_MAX, type Evidence, encodeEvidence } from './evidence.ts'
import { memberField, readClass, readMember } from './manifest.ts'
import type { Candidacy } from './record.ts'

const NAME = 'quorum'

/** What every body of a system command begins with: an array of three, then the text `quorum`. */
const PREFIX = Uint8Array.from([0x83, 0x66, ...Buffer.from(NAME)])

/** A membership record, or evidence, with room. */
const BODY_BYTES_MAX = 2_048

/** What members and candidates ask of the quorum itself. The program never sees it. */
export type SystemCommand =
  /** The sender asks to become a member, or a member says where and how it runs now. */
  | { readonly name: 'join'; readonly candidate: Omit<Candidacy, 'height'> }
  /** The sender's opinion on a key, for committees up to that of `untilEpoch`. */
  | {
      readonly name: 'vouch'
      readonly subject: Uint8Array
      readonly admit: boolean
      readonly class: MemberClass
      readonly untilEpoch: number
    }
  /** The sender wants out. */
  | { readonly name: 'leave' }
  | { readonly name: 'evidence'; readonly evidence: Evidence }
  /** The sender wants the epoch closed. */
  | { readonly name: 'close' }

/** The body of a call: `['quorum', name, args]`, canonical CBOR. */
export function encodeSystem(command: SystemCommand): Uint8Array {
  return encode([NAME, command.name, argsOf(command)])
}

function argsOf(command: SystemCommand): CborValue {
  switch (command.name) {
    case 'join': {
      const { attestation, ...member } = command.candidate
      return [memberField({ ...member, weight: 1 }), attestation]
    }
    case 'vouch':
      return [command.subject, command.admit, command.class, command.untilEpoch]
    case 'evidence':
      return [encodeEvidence(command.evidence)]
    case 'leave':
    case 'close':
      return []
  }
}

/** Is this the body of a call to the quorum itself? Then it must be read as one. */
export function isSystemBody(body: Uint8Array): boolean {
  return body.length > PREFIX.length && PREFIX.every((byte, i) => body[i] === byte)
}

/** @throws CodecError, ManifestError */
export function decodeSystem(body: Uint8Array): SystemCommand {
  const [quorum, title, args] = asArray(decode(body, { bytesMax: BODY_BYTES_MAX, itemsMax: 32 }), 'system command', 3)
  if (quorum !== NAME) throw new CodecError('BRUME_CODEC_SHAPE', 'no command to the quorum')
  const name = asText(title, 'name', 16)
  switch (name) {
    case 'join':
      return { name, candidate: readJoin(args) }
    case 'vouch':
      return { name, ...readVouch(args) }
    case 'evidence': {
      const [bytes] = asArray(args, 'evidence', 1)
      return { name, evidence: decodeEvidence(asBytes(bytes, 'evidence', { min: 1, max: EVIDENCE_BYTES_MAX })) }
    }
    case 'leave':
    case 'close':
      asArray(args, name, 0)
      return { name }
    default:
      throw new CodecError('BRUME_CODEC_SHAPE', `${name} is no command to the quorum`)
  }
}

function readJoin(args: CborValue | undefined): Omit<Candidacy, 'height'> {
  const [fields, attestation] = asArray(args, 'join', 2)
  const { weight, class: ownClass, ...member } = readMember(fields ?? null)
  if (weight !== 1 || ownClass !== 0) {
    throw new CodecError('BRUME_CODEC_SHAPE', 'a candidate names its own weight or class')
  }
  return { ...member, attestation: optional(attestation, (digest) => asBytes(digest, 'attestation', 32)) }
}

function readVouch(args: CborValue | undefined) {
  const [subject, admit, ownClass, untilEpoch] = asArray(args, 'vouch', 4)
  return {
    subject: asBytes(subject, 'subject', 32),
    admit: asBoolean(admit, 'admit'),
    class: readClass(ownClass),
    untilEpoch: asUint(untilEpoch, 'untilEpoch')
  }
}
