/**
 * The API for extensions: `import { defineFunction } from 'knspan/extension'`. A function receives knspan's CloudEvents from a Broker,
 * typed, and replies to each with one event or none; the kit handles everything else that a Broker requires.
 */

export { segmentType } from '../spans/segment-event.ts';
export type { AttributeValue, Segment, Span } from '../spans/span.ts';
export { defineFunction } from './define.ts';
export type { Definition, ExtensionFunction, Handled } from './definition.ts';
export type { Input, KubernetesInput, OtherInput, SegmentInput } from './input.ts';
export type { Reply } from './reply.ts';
