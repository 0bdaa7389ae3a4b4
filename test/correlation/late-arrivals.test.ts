/** An Event later than its decision is shown once, even if a later Event of the same call refers to it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseEvent } from '../../shared/events/parse-event.ts';
import { ObjectIndex } from '../../shared/kubernetes/object-index.ts';
import { eventJson } from '../helpers/event.ts';
import { eventsOf, storyBegan } from '../helpers/story.ts';
import { checkTold, pipelineOver } from '../helpers/trace.ts';

const second = 1_000_000;

it('a run whose beginning is late and whose end is in time', () => {
  const observations = eventsOf(`0 cronjob-controller | CronJob/report | SuccessfulCreate | Created job report-29920125
3 cronjob-controller | CronJob/report | SuccessfulCreate | Created job report-29920126
8 cronjob-controller | CronJob/report | SawCompletedJob | Saw completed job: report-29920125, condition: Complete`).map((event) => {
    const parsed = parseEvent(event);
    assert.ok(parsed.ok);
    return parsed.value;
  });
  const [begin, other, end] = observations;
  assert.ok(begin && other && end);
  const pipeline = pipelineOver(new ObjectIndex());
  pipeline.push(other);
  const segments = [...pipeline.advance(storyBegan + 26 * second)];
  pipeline.push(begin);
  pipeline.push(end);
  segments.push(...pipeline.finish());
  checkTold(segments, observations);
});

it('an object whose owner is named late: what was told of it before and after are traces of their own', () => {
  const observations =
    eventsOf(`0.2 cert-manager-certificates-request-manager | cert-manager.io/v1 Certificate/tls | Requested | Created new CertificateRequest resource "tls-1"
0.3 cert-manager-certificaterequests-issuer-vault | cert-manager.io/v1 CertificateRequest/tls-1 | WaitingForApproval | Not signing CertificateRequest until it is Approved
0.4 cert-manager-certificaterequests-issuer-vault | cert-manager.io/v1 CertificateRequest/tls-1 | WaitingForApproval | Not signing CertificateRequest until it is Approved`).map(
      (event) => {
        const parsed = parseEvent(event);
        assert.ok(parsed.ok);
        return parsed.value;
      },
    );
  const [owner, after, before] = observations;
  assert.ok(owner && before && after);
  const pipeline = pipelineOver(new ObjectIndex());
  pipeline.push(before);
  const segments = [...pipeline.advance(storyBegan + 26 * second)];
  pipeline.push(owner);
  pipeline.push(after);
  segments.push(...pipeline.finish());
  checkTold(segments, observations);
  const ids = segments.flatMap(({ spans }) => spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`));
  assert.equal(new Set(ids).size, ids.length);
});

it('an occurrence that was old already when a later one told it is not told again by its own notification', () => {
  const told = (n: number, lastTimestamp: string) => {
    const metadata = { name: 'web-1.x', resourceVersion: String(40 + n), creationTimestamp: null };
    const stamps = { firstTimestamp: '2025-11-20T18:00:00Z', lastTimestamp };
    const parsed = parseEvent(eventJson({ metadata, reason: 'BackOff', message: `restarted ${n} times`, count: n, ...stamps }));
    assert.ok(parsed.ok);
    return parsed.value;
  };
  const observations = [told(50, '2025-11-20T23:00:00Z'), told(1, '2025-11-20T18:00:00Z')];
  const [later, first] = observations;
  assert.ok(later && first);
  const pipeline = pipelineOver(new ObjectIndex());
  pipeline.push(later);
  const segments = [...pipeline.advance(later.last.at + 3_600 * second)];
  assert.equal(segments.length, 1);
  pipeline.push(first);
  segments.push(...pipeline.finish());
  const ids = segments.flatMap(({ spans }) => spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`));
  assert.equal(new Set(ids).size, ids.length);
});
