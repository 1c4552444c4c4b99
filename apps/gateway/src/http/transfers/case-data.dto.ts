import {
  evidenceKinds,
  handedInSources,
  harmKinds,
  leadSources,
  partyRoles,
  personalDataCategories,
  quantityUnits,
  sexes,
  urgencyGrounds,
} from '@jieqiao/recognition';
import {
  Day,
  Decimal,
  Flag,
  Form,
  Forms,
  Instant,
  Line,
  Nested,
  NestedList,
  OneOf,
  SomeOf,
  Text,
  Whole,
} from '../fields';

/*
 * What an officer fills in, field by field as in `transfer.json` (docs/spec/transfer.md). A draft may leave fields
 * out; what is there must have its form already. A test holds these bounds against the JSON Schema.
 */

const codePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';
const certNoPattern = '^[0-9A-Za-z-]{4,32}$';
const optional = { optional: true };

export class ConvertedDto {
  @OneOf(['GCJ-02'])
  system!: 'GCJ-02';

  @Decimal(-180, 180)
  longitude!: number;

  @Decimal(-90, 90)
  latitude!: number;
}

/** Where, as it is measured. */
export class PositionDto {
  @Form('^[1-9][0-9]{5}(?:[0-9]{3}(?:[0-9]{3})?)?$', 12, {
    about: 'GB/T 2260 county code, or 9 or 12 digits.',
    example: '310116',
  })
  code!: string;

  @Decimal(-180, 180)
  longitude!: number;

  @Decimal(-90, 90)
  latitude!: number;

  @OneOf(['WGS-84'])
  datum!: 'WGS-84';
}

export class PlaceDto extends PositionDto {
  @Line(200)
  name!: string;

  @Nested(() => ConvertedDto, { optional: true, about: 'What was given before it was converted to WGS-84.' })
  converted?: ConvertedDto;
}

export class QuantityDto {
  @Form('^[a-z][a-z0-9-]{0,63}$', 64, { example: 'hazardous-waste' })
  substance!: string;

  @Decimal(0.000001, 1_000_000_000)
  amount!: number;

  @OneOf(quantityUnits)
  unit!: string;
}

export class ActDto {
  @Instant()
  from!: string;

  @Instant({ optional: true, about: 'Absent while the act still goes on.' })
  to?: string;

  @SomeOf(harmKinds, optional)
  harm?: string[];

  @NestedList(() => QuantityDto, 20, optional)
  quantities?: QuantityDto[];

  @Whole(0, 1_000_000_000_000, { optional: true, about: '违法所得, yuan.' })
  gains?: number;

  @Whole(0, 1_000_000_000_000, { optional: true, about: '公私财产损失, yuan.' })
  losses?: number;

  @Nested(() => PlaceDto)
  place!: PlaceDto;
}

/** A person, field by field. What a draft shows masked may be sent back so, and stands for what is kept. */
export class PersonalDto {
  @Line(200, optional)
  name?: string;

  @OneOf(sexes, optional)
  sex?: string;

  @Whole(0, 150, optional)
  age?: number;

  @Line(100, optional)
  occupation?: string;

  @Form('^[1-8][0-9]{5}([0-9]{8}|\\*{8})[0-9]{3}[0-9X]$', 18, { optional: true, about: '公民身份号码 (GB 11643).' })
  idNumber?: string;

  @Form('^[0-9]{4}-([0-9]{2}-[0-9]{2}|\\*\\*-\\*\\*)$', 10, optional)
  birthDate?: string;

  @Form('^\\+?[0-9*]([ -]?[0-9*]){5,19}$', 40, optional)
  phone?: string;

  @Line(300, { optional: true, about: '住址' })
  address?: string;
}

export class PartyDto {
  @OneOf(['organisation', 'natural', 'unknown'])
  kind!: string;

  @Line(200, optional)
  name?: string;

  @Form('^[0-9A-HJ-NPQRTUWXY]{18}$', 18, { optional: true, about: '统一社会信用代码 (GB 32100).' })
  uscc?: string;

  @Line(20, optional)
  plate?: string;

  @Line(60, optional)
  vessel?: string;

  @SomeOf(partyRoles, { optional: true, about: 'What the party is beside a person or an organisation.' })
  roles?: string[];
  @Nested(() => PersonalDto, { optional: true, about: 'Of a person, or of whoever speaks for an organisation.' })
  personal?: PersonalDto;
}

export class ContactDto {
  @Line(100)
  unit!: string;

  @Form('^[0-9+() -]{3,40}$', 40)
  phone!: string;
}

export class OfficerDto {
  @Form(certNoPattern, 32)
  certNo!: string;

  @Day(optional)
  validFrom?: string;

  @Day(optional)
  validTo?: string;
}

export class PersonalDataDto {
  @OneOf(personalDataCategories)
  category!: string;

  @Form(codePattern, 64)
  purpose!: string;
}

export class CitationDto {
  @Line(100, { example: '固体废物污染环境防治法' })
  law!: string;

  @Whole(1, 2000)
  article!: number;
}

export class MatterDto {
  @Whole(1, 50)
  no!: number;

  @Text(1000)
  text!: string;
}

export class CaseDataDto {
  @Line(100, { optional: true, about: 'The squad that acts, 执法队伍.' })
  unit?: string;

  @OneOf(['normal', 'urgent'], optional)
  urgency?: string;

  @SomeOf(urgencyGrounds, optional)
  urgencyGrounds?: string[];

  @Form('^[a-z][a-z0-9-]{0,63}$', 64, {
    optional: true,
    about: 'Violation family of the agreement.',
    example: 'construction-waste-dumping',
  })
  family?: string;

  @Form(codePattern, 64, optional)
  item?: string;

  @Line(200, { optional: true, about: '案由' })
  cause?: string;

  @OneOf(leadSources, optional)
  source?: string;

  @Nested(() => ActDto, optional)
  act?: ActDto;

  @Instant(optional)
  discoveredAt?: string;

  @NestedList(() => PartyDto, 100, { optional: true, minItems: 1 })
  parties?: PartyDto[];

  @Text(8000, optional)
  facts?: string;

  @Text(2000, optional)
  request?: string;

  @Nested(() => ContactDto, optional)
  contact?: ContactDto;

  @NestedList(() => OfficerDto, 50, optional)
  officers?: OfficerDto[];

  @NestedList(() => PersonalDataDto, 10, optional)
  personalData?: PersonalDataDto[];

  @NestedList(() => CitationDto, 20, { optional: true, about: 'Articles that the act is said to break.' })
  citations?: CitationDto[];

  @NestedList(() => MatterDto, 50, { optional: true, minItems: 1, about: 'What a request for assistance asks for.' })
  matters?: MatterDto[];
  @Nested(() => PersonalDto, { optional: true, about: 'Whoever reported it. Never leaves this node.' })
  reporter?: PersonalDto;
}

export class SourceHolderDto {
  @OneOf(['body', 'person'])
  kind!: string;

  @Line(200)
  name!: string;
}

export class EvidenceSignaturesDto {
  @Forms(certNoPattern, 32, 20)
  officers!: string[];

  @Flag()
  party!: boolean;

  @Flag(optional)
  eachPage?: boolean;

  @Line(500, optional)
  refusalReason?: string;

  @OneOf(['signed', 'none-present'], optional)
  witness?: string;
}

export class RegistrationDto {
  @Instant()
  from!: string;

  @Instant({ optional: true, about: 'When it was disposed of.' })
  disposed?: string;
}

export class TestingDto {
  @Day()
  from!: string;

  @Day({ optional: true, about: 'Absent while it lasts.' })
  to?: string;
}

export class SeizureDto {
  @Instant()
  from!: string;

  @Flag(optional)
  extended?: boolean;

  @NestedList(() => TestingDto, 20, { optional: true, about: 'Days of testing and appraisal, both included.' })
  testing?: TestingDto[];

  @Instant(optional)
  released?: string;
}

export class EvidenceDataDto {
  @OneOf(evidenceKinds)
  kind!: string;

  @Line(200)
  title!: string;

  @Flag()
  isOriginal!: boolean;

  @Line(500, optional)
  method?: string;

  @Line(200, optional)
  tool?: string;

  @Instant(optional)
  madeAt?: string;

  @Line(200, optional)
  madeBy?: string;

  @Line(500, optional)
  purpose?: string;

  @Forms(certNoPattern, 32, 20)
  collectors!: string[];

  @Instant(optional)
  collectedAt?: string;

  @OneOf(handedInSources, optional)
  handedInBy?: string;

  @Nested(() => SourceHolderDto, optional)
  sourceHolder?: SourceHolderDto;

  @Flag(optional)
  verifiedAgainstOriginal?: boolean;

  @Flag(optional)
  holderSeal?: boolean;

  @Whole(1, 100_000, optional)
  pages?: number;

  @Flag(optional)
  hasSound?: boolean;

  @Form(codePattern, 64, optional)
  transcriptRef?: string;

  @Flag(optional)
  isMonitoringDevice?: boolean;

  @Line(100, optional)
  deviceReviewNo?: string;

  @Line(300, optional)
  devicePublished?: string;

  @Flag(optional)
  recorded?: boolean;

  @Nested(() => EvidenceSignaturesDto, optional)
  signatures?: EvidenceSignaturesDto;

  @Form(codePattern, 64, optional)
  derivedFrom?: string;

  @Form(codePattern, 64, {
    optional: true,
    about: "By the catalogue's types of document.",
    example: 'correction-order',
  })
  documentType?: string;

  @Nested(() => RegistrationDto, { optional: true, about: '先行登记保存' })
  registration?: RegistrationDto;

  @Nested(() => SeizureDto, { optional: true, about: '查封、扣押' })
  seizure?: SeizureDto;
  @Nested(() => PersonalDto, { optional: true, about: 'Whoever gave the statement.' })
  personal?: PersonalDto;
}

export class NumberedDocumentDto {
  @Line(80)
  number!: string;

  @Day()
  day!: string;
}

export class AppraisalDto extends NumberedDocumentDto {
  @Form('^[a-z][a-z0-9-]{0,63}$', 64, { about: 'The substance as the transfer states it.', example: 'unknown-waste' })
  of!: string;

  @Form('^[a-z][a-z0-9-]{0,63}$', 64, { about: 'What it is.', example: 'hazardous-waste' })
  substance!: string;
}

export class ReCheckDto {
  @Day()
  day!: string;

  @OneOf(['corrected', 'not-corrected'])
  result!: 'corrected' | 'not-corrected';
}

/** What the receiver has found itself; it replaces what was recorded before. */
export class FindingsDto {
  @Nested(() => PositionDto, { optional: true, about: 'Where the act happened, as measured.' })
  place?: PositionDto;

  @Instant({ optional: true, about: 'An own discovery.' })
  discoveredAt?: string;

  @SomeOf(harmKinds, optional)
  harm?: string[];

  @NestedList(() => QuantityDto, 20, optional)
  quantities?: QuantityDto[];

  @Whole(0, 1_000_000_000_000, { optional: true, about: '违法所得, yuan.' })
  gains?: number;

  @Whole(0, 1_000_000_000_000, { optional: true, about: '公私财产损失, yuan.' })
  losses?: number;

  @Nested(() => AppraisalDto, { optional: true, about: '鉴定意见' })
  appraisal?: AppraisalDto;

  @NestedList(() => NumberedDocumentDto, 20, { optional: true, about: '责令改正通知书' })
  orders?: NumberedDocumentDto[];

  @Nested(() => ReCheckDto, { optional: true, about: '复查' })
  reCheck?: ReCheckDto;

  @Nested(() => NumberedDocumentDto, { optional: true, about: '公安机关不予立案通知书' })
  policeRefusal?: NumberedDocumentDto;
}
