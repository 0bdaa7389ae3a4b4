/**
 * What an extension imports: `import { defineFunction } from 'knspan/extension'`. A function gets our CloudEvents from a Broker, typed,
 * and answers each with one event or nothing; what a Broker wants of a function, the kit sees to.
 */

export { segmentType } from '../spans/segment-event.ts';
export type { AttributeValue, Segment, Span } from '../spans/span.ts';
export { defineFunction } from './define.ts';
export type { Definition, ExtensionFunction, Handled } from './definition.ts';
export type { Input, KubernetesInput, OtherInput, SegmentInput } from './input.ts';
export type { Reply } from './reply.ts';
