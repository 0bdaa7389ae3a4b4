/** A store that fails or is slow on demand; otherwise the one behind it. */
import { type Store, StoreError } from '../../shared/store/store.ts';

export class Faults {
  away = false;
  /** Calls of that name wait for it. */
  readonly gates = new Map<string, Promise<unknown>>();
  readonly calls: string[] = [];
}

export function faultyStore(store: Store, faults: Faults): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      if (name === 'ready') return () => !faults.away && target.ready();
      if (typeof method !== 'function' || name === 'close') return typeof method === 'function' ? method.bind(target) : method;
      return async (...given: unknown[]): Promise<unknown> => {
        faults.calls.push(String(name));
        await faults.gates.get(String(name));
        if (faults.away) throw new StoreError('Cannot reach the store: it is away');
        return Reflect.apply(method, target, given);
      };
    },
  });
}
