import { GatewayError } from '@jieqiao/core';
import { booleanPointInPolygon } from '@turf/boolean-point-in-polygon';
import { pointToLineDistance } from '@turf/point-to-line-distance';
import gcoord from 'gcoord';

/** Degrees, WGS-84. CGCS2000 is taken for the same: they differ by less than a metre. */
export interface Coordinates {
  longitude: number;
  latitude: number;
}

export interface Place {
  /** GB/T 2260 county code, or 9 or 12 digits for a town or village. */
  code: string;
  coordinates?: Coordinates;
  /** The mark of a conversion: what was given, before it became `coordinates`. */
  converted?: Coordinates & { system: 'GCJ-02' };
}

/** An area whose outline has been checked; made by `readArea` only. */
export interface Area {
  /** Polygons, each an outer ring and its holes, each ring closed and its long edges cut. */
  readonly outline: { type: 'MultiPolygon'; coordinates: Position[][][] };
}
type Position = [longitude: number, latitude: number];

export interface Location {
  /** `buffer`: at most the buffer away from the line, on either side, so a person decides. */
  position: 'inside' | 'buffer' | 'outside';
  /** To the nearest line of the area, to 0.1 m. What is shown is what is compared with the buffer. */
  metres: number;
  /** The side on which the point lies, also within the buffer. The line itself is inside. */
  within: boolean;
}

export type CoordinateFault = 'not-a-number' | 'swapped' | 'outside-china';

/** `pieces`: edges, after long ones have been cut. */
export const areaLimits = { vertices: 10_000, pieces: 20_000 } as const;
/** Either side of the line, where an agreement sets nothing else. */
export const defaultBufferMetres = 30;

/**
 * What is wrong with coordinates of a place in China, or null. The bounds are those of R02. `swapped`: the two would be
 * right the other way round. They also keep GCJ-02 away from the edge of gcoord's own bounds, where its inverse
 * iteration never ends.
 */
export function coordinateFault({ longitude, latitude }: Coordinates): CoordinateFault | null {
  if (!Number.isFinite(longitude) || !Number.isFinite(latitude)) return 'not-a-number';
  if (inChina(longitude, latitude)) return null;
  return inChina(latitude, longitude) ? 'swapped' : 'outside-china';
}

/**
 * A place as somebody gave it, in WGS-84. Coordinates of Chinese maps (GCJ-02) are converted, to six decimals, and
 * marked: the public formula is good to a few metres.
 * @throws GatewayError VALIDATION_FAILED `bad-place-code`, `bad-coordinate-system` or a `CoordinateFault`
 */
export function readPlace(given: { code: string; coordinates?: Coordinates; system?: 'WGS-84' | 'GCJ-02' }): Place {
  const { code, coordinates, system } = given;
  if (!/^[1-9]\d{5}(?:\d{3}(?:\d{3})?)?$/.test(code)) bad('bad-place-code');
  if (coordinates === undefined) return { code };
  const { longitude, latitude } = coordinates;
  const fault = coordinateFault(coordinates);
  if (fault) bad(fault);
  if (system === 'WGS-84') return { code, coordinates: { longitude, latitude } };
  if (system !== 'GCJ-02') return bad('bad-coordinate-system');
  const position: Position = [longitude, latitude];
  const [east, north] = gcoord.transform(position, gcoord.GCJ02, gcoord.WGS84);
  return {
    code,
    coordinates: { longitude: round(east, 6), latitude: round(north, 6) },
    converted: { system, longitude, latitude },
  };
}

/**
 * An area from the geometry of GeoJSON (RFC 7946), Polygon or MultiPolygon. Polygons that share an edge must have been
 * merged before: an edge between them would count as the area's line.
 * @throws GatewayError VALIDATION_FAILED, with `at`, the JSON pointer to the offending member, and as `reason`:
 * `bad-area`, `bad-ring` (fewer than four positions), `ring-not-closed`, `bad-position` (not two numbers), `swapped`,
 * `outside-china`, `too-many-vertices` (over 10,000), `edges-too-long` (to be cut into more than 20,000)
 */
export function readArea(geometry: unknown): Area {
  if (typeof geometry !== 'object' || geometry === null) return bad('bad-area', '');
  const { type, coordinates } = geometry as { type?: unknown; coordinates?: unknown };
  if (type !== 'Polygon' && type !== 'MultiPolygon') bad('bad-area', '/type');
  const single = type === 'Polygon';
  const left = { vertices: areaLimits.vertices as number, pieces: areaLimits.pieces as number };
  const polygons = list(single ? [coordinates] : coordinates, '/coordinates').map((polygon, p) => {
    const path = single ? '/coordinates' : `/coordinates/${p}`;
    return list(polygon, path).map((given, r) => {
      const at = `${path}/${r}`;
      const ring = list(given, at);
      left.vertices -= ring.length;
      if (left.vertices < 0) bad('too-many-vertices', at);
      const positions = readRing(ring, at);
      left.pieces -= piecesOf(positions);
      if (left.pieces < 0) bad('edges-too-long', at);
      return cutEdges(positions);
    });
  });
  return { outline: { type: 'MultiPolygon', coordinates: polygons } };
}

/**
 * Where a point lies as to an area.
 * @param bufferMetres 0 to 10,000
 * @throws GatewayError VALIDATION_FAILED `bad-buffer` or a `CoordinateFault`
 */
export function locate(point: Coordinates, area: Area, bufferMetres: number = defaultBufferMetres): Location {
  if (!(bufferMetres >= 0 && bufferMetres <= 10_000)) bad('bad-buffer');
  const fault = coordinateFault(point);
  if (fault) bad(fault);
  const position: Position = [point.longitude, point.latitude];
  // On a sphere of mean radius: within 0.5 % of the ellipsoid, 15 cm in 30 m.
  const distances = edgesNear(position, area).map((coordinates) =>
    pointToLineDistance(position, { type: 'LineString', coordinates }, { units: 'meters' }),
  );
  const metres = round(Math.min(...distances), 1);
  const within = booleanPointInPolygon(position, area.outline);
  if (metres <= bufferMetres) return { position: 'buffer', metres, within };
  return { position: within ? 'inside' : 'outside', metres, within };
}

type Edge = [from: Position, to: Position];

/**
 * The edges of which one is the nearest: a geodesic distance costs microseconds, and of most edges a plane shows that
 * they are further off. Up to a degree away the plane is wrong by far less than the tenths granted here; beyond, all
 * are taken. The five metres are for what the cut edges lie off the straight line.
 */
function edgesNear([longitude, latitude]: Position, { outline }: Area): Edge[] {
  const narrow = Math.cos((latitude * Math.PI) / 180);
  const edges: Edge[] = [];
  const away: number[] = [];
  let nearest = Infinity;
  for (const ring of outline.coordinates.flat()) {
    for (let i = 1; i < ring.length; i++) {
      const [from, to] = [ring[i - 1]!, ring[i]!];
      const [x, y] = [(from[0] - longitude) * narrow, from[1] - latitude];
      const [dx, dy] = [(to[0] - from[0]) * narrow, to[1] - from[1]];
      const along = Math.min(1, Math.max(0, -(x * dx + y * dy) / (dx * dx + dy * dy)));
      const distance = Math.hypot(x + along * dx, y + along * dy);
      edges.push([from, to]);
      away.push(distance);
      if (distance < nearest) nearest = distance;
    }
  }
  const limit = nearest > 1 ? Infinity : nearest * 1.3 + 5 / 111_000;
  return edges.filter((_, i) => away[i]! <= limit);
}

function readRing(ring: unknown[], at: string): Position[] {
  const positions = ring.map((position, i) => readPosition(position, `${at}/${i}`));
  const [east, north] = positions.at(-1)!;
  if (positions[0]![0] !== east || positions[0]![1] !== north) bad('ring-not-closed', at);
  // A repeated vertex makes an edge without direction.
  const distinct = positions.filter(([x, y], i) => i === 0 || x !== positions[i - 1]![0] || y !== positions[i - 1]![1]);
  if (distinct.length < 4) bad('bad-ring', at);
  return distinct;
}

/** Edges up to this long, in degrees, lie within 0.2 m of the great circle along which the distance is measured. */
const pieceDegrees = 0.02;

function piecesBetween([x, y]: Position, [toX, toY]: Position): number {
  return Math.ceil(Math.max(Math.abs(toX - x), Math.abs(toY - y)) / pieceDegrees);
}

function piecesOf(ring: readonly Position[]): number {
  return ring.slice(1).reduce((sum, to, i) => sum + piecesBetween(ring[i]!, to), 0);
}

/** The same line with more vertices: GeoJSON's edges are straight in degrees (RFC 7946 §3.1.1), and "inside" too. */
function cutEdges(ring: readonly Position[]): Position[] {
  const cut: Position[] = [ring[0]!];
  for (const [i, to] of ring.slice(1).entries()) {
    const [x, y] = ring[i]!;
    const pieces = piecesBetween(ring[i]!, to);
    for (let k = 1; k < pieces; k++) cut.push([x + ((to[0] - x) * k) / pieces, y + ((to[1] - y) * k) / pieces]);
    cut.push(to);
  }
  return cut;
}

function readPosition(position: unknown, at: string): Position {
  if (!Array.isArray(position) || position.length !== 2) return bad('bad-position', at);
  const [longitude, latitude]: unknown[] = position;
  if (typeof longitude !== 'number' || typeof latitude !== 'number') return bad('bad-position', at);
  const fault = coordinateFault({ longitude, latitude });
  if (fault) bad(fault === 'not-a-number' ? 'bad-position' : fault, at);
  return [longitude, latitude];
}

function list(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value) || value.length === 0) return bad('bad-area', at);
  if (value.length > areaLimits.vertices) bad('too-many-vertices', at);
  return value;
}

function inChina(longitude: number, latitude: number): boolean {
  return longitude >= 73 && longitude <= 136 && latitude >= 3 && latitude <= 54;
}

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}

function bad(reason: string, at?: string): never {
  throw new GatewayError('VALIDATION_FAILED', at === undefined ? { reason } : { reason, at });
}
