/** What each page is: the parameters that it takes, and how it answers. */

import type { Database } from '../../../shared/history/database.ts';
import type { Scope } from '../../../shared/history/queries/scope.ts';
import type { Log } from '../../../shared/process/log.ts';
import type { Html } from '../html/html.ts';
import type { Page } from '../html/layout.ts';
import type { PageQuery } from '../html/page-query.ts';

export interface PageContext {
  readonly database: Database;
  /** What the reader may see. */
  readonly scope: Scope;
  readonly query: PageQuery;
  /** Decoded segments of the path, in the order of the route. */
  readonly segments: readonly string[];
  /** Of Jaeger or another viewer, with `{traceId}`; null: there is none. */
  readonly traceUrl: string | null;
  readonly log: Log;
}

export type PageAnswer =
  | { readonly kind: 'page'; readonly page: Page; readonly data: unknown }
  /** A part of a page, for a script that puts it in its place. */
  | { readonly kind: 'fragment'; readonly fragment: Html; readonly data: unknown }
  /** `status` 400 or 404; `reason`: a sentence; `way`: a link that works. */
  | { readonly kind: 'refused'; readonly status: 400 | 404; readonly reason: string; readonly way: Way };

export interface Way {
  readonly href: string;
  readonly text: string;
}

export interface PageRoute {
  /** As the source of a regular expression without groups that capture. */
  readonly path: string;
  readonly parameters: readonly string[];
  readonly answer: (context: PageContext) => Promise<PageAnswer>;
}
