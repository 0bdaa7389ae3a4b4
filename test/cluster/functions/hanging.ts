/** Never answers. */
import { defineFunction, segmentType } from 'knspan/extension';

export default defineFunction({ name: 'hanging', types: [segmentType], handle: () => new Promise<undefined>(() => {}) });
