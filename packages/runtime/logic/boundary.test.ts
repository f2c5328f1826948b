import { encode } from '@brume/codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Admission, type BoundaryOptions, createBoundary, EVENT_BYTES_MAX } from './boundary.ts'
import type { Json } from './port.ts'
import { eventCheck, type StandardSchema, schemaCheck } from './schema.ts'

const PEER = '12D3KooWAHoEkEqnKzM5PXFygh2movVBCSX3k8tDsT2cneU68Gyt'
const bytesOf = (event: Json) => encode(event, { floats: true })
const remote = (event: Json, options: BoundaryOptions = {}) => createBoundary(options).remote(bytesOf(event), PEER)
/** As schema libraries offer theirs. */
const schema = (make: (value: Record<string, unknown>) => unknown): StandardSchema => ({
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const made = make(value as Record<string, unknown>)
      return made === undefined ? { issues: [{ message: 'not of this form', path: ['by'] }] } : { value: made }
    }
  }
})

/** `{ type: 'add', by: number = 1 }` */
const add = schema(({ type, by = 1 }) => (type === 'add' && typeof by === 'number' ? { type, by } : undefined))

const code = (admission: Admission) => ('event' in admission ? 'admitted' : admission.refusal)

test.each<[string, Json]>([
  ['no object', 'add'],
  ['an array', ['add']],
  ['bytes', new Uint8Array(3)],
  ['no type', { by: 1 }],
  ['a type that is no text', { type: 1 }],
  ['an empty type', { type: '' }],
  ['a long type', { type: 'a'.repeat(129) }],
  ['a type of more bytes than units', { type: 'é'.repeat(65) }],
  ['a wildcard', { type: '*' }],
  ['a partial wildcard', { type: 'pay.*' }],
  ['a child that would be done', { type: 'xstate.done.actor.pay' }],
  ['a stop', { type: 'xstate.stop' }],
  ['a timer', { type: 'xstate.after.100.order' }],
  ['a watch', { type: 'brume.down' }],
  ['a ref of XState', { type: 'add', to: { xstate$$type: 1, id: 'pay' } }],
  ['too much', { type: 'add', blob: new Uint8Array(EVENT_BYTES_MAX) }]
])('%s is invalid, from here and from elsewhere', (_, event) => {
  expect(code(remote(event))).toBe('invalid')
  if (!(typeof event === 'object' && event !== null && 'blob' in event)) {
    expect(code(createBoundary({}).local(event))).toBe('invalid')
  }
})

test.each<[string, Uint8Array]>([
  ['nothing', new Uint8Array(0)],
  ['an integer in more bytes than it takes', Uint8Array.of(0x18, 0x01)],
  ['bytes after the end', Uint8Array.of(...bytesOf({ type: 'add' }), 0)],
  ['keys out of order', Buffer.from('a26474797065636164646161', 'hex')],
  ['__proto__', Buffer.from('a26474797065636164646 95f5f70726f746f5f5fa0'.replace(' ', ''), 'hex')]
])('%s does not decode', (_, bytes) => {
  expect(code(createBoundary({}).remote(bytes, PEER))).toBe('invalid')
})

test('what is admitted is frozen and an ordinary object', () => {
  const admission = remote({ type: 'add', by: 1.5, list: [1] })
  expect(admission).toEqual({ event: { type: 'add', by: 1.5, list: [1] } })
  if ('event' in admission) {
    expect(Object.isFrozen(admission.event)).toBe(true)
    expect(Object.getPrototypeOf(admission.event)).toBe(Object.prototype)
  }
})

test('the sender can change its own event afterwards', () => {
  const event = { type: 'add', list: [1] }
  const admission = createBoundary({}).local(event)
  event.list.push(2)
  expect(admission).toEqual({ event: { type: 'add', list: [1] } })
  const trusted = createBoundary({ checkLocal: false }).local(event)
  expect('event' in trusted && trusted.event).toBe(event)
})

test('allow says from whom', () => {
  const other = '12D3KooWEeSX2xeBRSPsCfqx7cmZHWAg9nLGQ7GRTyyfXvvTaTZz'
  const rule: BoundaryOptions['allow'] = ({ peer, event }) => peer === null || event.type === 'open'
  const fails = () => {
    throw new Error('rule')
  }
  const outcomes = (allow: BoundaryOptions['allow'] & {}) => [
    code(remote({ type: 'open' }, { allow })),
    code(remote({ type: 'close' }, { allow })),
    code(createBoundary({ allow }).local({ type: 'close' }))
  ]
  expect(outcomes('any')).toEqual(['admitted', 'admitted', 'admitted'])
  expect(outcomes('local')).toEqual(['forbidden', 'forbidden', 'admitted'])
  expect(outcomes([PEER])).toEqual(['admitted', 'admitted', 'admitted'])
  expect(outcomes([other])).toEqual(['forbidden', 'forbidden', 'admitted'])
  expect(outcomes(rule)).toEqual(['admitted', 'forbidden', 'admitted'])
  expect(outcomes(fails)).toEqual(['forbidden', 'forbidden', 'forbidden'])
})

test('who may not send is not told what the schema thinks', () => {
  const event = eventCheck({ add })
  expect(code(remote({ type: 'other' }, { allow: 'local', event }))).toBe('forbidden')
})

test('a schema for all events, and one for each type; what it makes is delivered', () => {
  for (const event of [eventCheck(add), eventCheck({ add })]) {
    expect(remote({ type: 'add' }, { event })).toEqual({ event: { type: 'add', by: 1 } })
    expect(code(remote({ type: 'add', by: 'x' }, { event }))).toBe('invalid')
    expect(code(remote({ type: 'sub' }, { event }))).toBe('invalid')
  }
  // Object's own members are no schemas.
  expect(code(remote({ type: 'constructor' }, { event: eventCheck({ add }) }))).toBe('invalid')
})

test('a schema can neither rename an event nor make it something that is not plain', () => {
  const rename = eventCheck(schema(() => ({ type: 'xstate.stop' })))
  expect(code(remote({ type: 'add' }, { event: rename }))).toBe('invalid')
  const date = eventCheck(schema(({ type }) => ({ type, at: new Date(0) })))
  expect(code(remote({ type: 'add', at: 1 }, { event: date }))).toBe('invalid')
})

test('a schema that answers by a promise is refused when it is given', () => {
  const refused = expect.objectContaining({ code: 'BRUME_RUNTIME_SCHEMA' })
  const eventually: StandardSchema = {
    '~standard': { version: 1, vendor: 'test', validate: (value) => Promise.resolve({ value }) }
  }
  expect(() => schemaCheck(eventually)).toThrow(refused)
  expect(() => eventCheck({ add: eventually })).toThrow(refused)
})

test('no bytes make it throw, and what it admits encodes to what came', () => {
  const boundary = createBoundary({})
  const event = fc
    .record({ type: fc.string(), rest: fc.jsonValue({ maxDepth: 3 }) })
    // The one key that nobody can encode.
    .filter((value) => !JSON.stringify(value).includes('"__proto__"'))
    .map((value) => bytesOf(value as Json))
  const broken = fc.tuple(event, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => bytes.with(at % bytes.length, byte))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), event, broken), (bytes) => {
      const admission = boundary.remote(bytes, PEER)
      if ('event' in admission) expect(bytesOf(admission.event)).toEqual(bytes)
    }),
    { numRuns: 2_000 }
  )
})
