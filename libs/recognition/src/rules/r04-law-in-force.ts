import type { LegalBasis } from '../agreement-terms';
import { answersOn, type ItemActor, type LawStanding, lawInForce, provisionsOn } from '../catalogue';
import { chinaDay } from '../china-date';
import { actorsOfParty } from './candidate-items';
import type { Facts, Finding, Rule, RuleInput } from './rule';

/**
 * R04, 行政处罚法 §37: each law cited was in force throughout the act, is the same on the day of the decision, for which
 * the day of the evaluation stands, and its article names what a party is. It can only warn: which law is the lighter
 * one is for people.
 */
export const r04: Rule = {
  id: 'R04',
  basis: [{ law: '行政处罚法', article: '37' }],
  appliesTo: 'every',
  check(input) {
    const { transfer } = input;
    const findings = (transfer.citations ?? []).flatMap((_, i) => checkCitation(input, i));
    return { examined: transfer.citations?.length ?? 0, findings };
  },
};

function checkCitation({ act, at, catalogue, transfer }: RuleInput, index: number): Finding[] {
  const { article, law: cited } = transfer.citations![index]!;
  const from = chinaDay(act.from);
  const today = chinaDay(at);
  const until = later(from, act.to === undefined ? today : chinaDay(act.to));
  // What was cited is the sender's text; only what the catalogue calls it goes into the facts.
  const facts: Facts = { citation: index + 1, article, from, to: until };
  if (![from, until, today].every((day) => answersOn(catalogue, day))) {
    return [{ result: 'warn', remedy: 'check-law', facts: { ...facts, why: 'day-outside-catalogue' } }];
  }
  const duringAct = lawInForce(catalogue, { law: cited, article }, { from, to: until });
  if (duringAct.law === null) return [{ result: 'warn', remedy: 'check-law', facts: { ...facts, why: 'unknown' } }];
  const { law } = duringAct;
  const untilDecision = lawInForce(catalogue, { law: cited, article }, { from, to: later(until, today) });
  const named: Facts = { ...facts, law, standing: duringAct.standing };
  const findings: Finding[] = [];
  if (duringAct.standing !== 'throughout' || untilDecision.standing !== 'throughout') {
    const { replacedBy, standing } = untilDecision;
    const basis = [
      ...r04.basis,
      // A law that brings its own rule for the change.
      ...provisionsOn(catalogue, 'law-at-time-of-act', act.place.code, today).filter((row) =>
        replacedBy.includes(row.law),
      ),
    ].map((row): LegalBasis => ({ law: row.law, article: String(row.article) }));
    findings.push({
      result: 'warn',
      remedy: standing === 'never' && replacedBy.length === 0 ? 'check-law' : 'compare-laws',
      facts: { ...named, why: whyNot(duringAct), replacedBy, successors: articlesOf(untilDecision) },
      basis,
    });
  } else if (untilDecision.versions.length > 1) {
    findings.push({ result: 'warn', remedy: 'compare-laws', facts: { ...named, why: 'amended' } });
  }
  const actors = mismatch(duringAct.actors, transfer.parties);
  if (actors) findings.push({ result: 'warn', remedy: 'check-actor', facts: { ...named, why: 'actor', ...actors } });
  return findings;
}

function whyNot({ standing }: LawStanding): string {
  if (standing === 'never') return 'not-in-force';
  return standing === 'partly' ? 'changed-during-act' : 'ended-since';
}

/** E.g. `生态环境法典 1169`, each once. */
function articlesOf({ successors }: LawStanding): string[] {
  return [...new Set(successors.map(({ law, article }) => `${law} ${article}`))];
}

/** Whom the article names and what the parties are, where none of these is one of those; null also where that is open. */
function mismatch(actors: readonly ItemActor[], parties: RuleInput['transfer']['parties']): Facts | null {
  if (actors.length === 0) return null;
  const known = parties.map(actorsOfParty);
  if (!known.every((own) => own !== null)) return null;
  const all = [...new Set(known.flat())];
  // Who is answerable for an organisation is no other offender than it.
  const fits = (actor: ItemActor) => actor === 'any' || actor === 'responsible-person' || all.includes(actor);
  return actors.some(fits) ? null : { actors: [...actors], parties: all };
}

function later(a: string, b: string): string {
  return a > b ? a : b;
}
