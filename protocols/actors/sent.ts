import { asArray, asUint, decode, encode } from '@brume/codec'
import type { RequestProtocol } from '@brume/ports'
import { BUNDLE_BYTES_MAX } from '../quorum/index.ts'

/** Beside the bundle the manifest and one leaf with its path. */
const REQUEST_BYTES_MAX = BUNDLE_BYTES_MAX + 65_536 + 8_192
const RETRY_MAX_MS = 3_600_000
/** More codes than there are. */
const CODE_MAX = 255

/** What a group's machine has sent to an actor of the peer that is asked: the request is the proof, and says it all. */
export const SENT_PROTOCOL: RequestProtocol = {
  id: '/brume/actors-sent/1.0.0',
  requestBytesMax: REQUEST_BYTES_MAX,
  answerBytesMax: 32
}

export interface SentAnswer {
  /** 0: processed, and durable if the actor is; else a code of refusal. */
  readonly code: number
  /** After which it may be tried again; 0: never. */
  readonly retryMs: number
}

/** `[code, retryMs]`, canonical CBOR. */
export function encodeSentAnswer({ code, retryMs }: SentAnswer): Uint8Array {
  return encode([code, retryMs])
}

/** @throws CodecError */
export function decodeSentAnswer(bytes: Uint8Array): SentAnswer {
  const [code, retryMs] = asArray(decode(bytes, { bytesMax: 32, itemsMax: 4 }), 'answer', 2)
  return { code: asUint(code, 'code', CODE_MAX), retryMs: asUint(retryMs, 'retryMs', RETRY_MAX_MS) }
}
