/**
 * The rows, made by the server itself with generate_series and a hash of the row number: the same
 * rows at every start, in a few seconds, and nothing random. Names, addresses and plates are made up;
 * mail addresses end in domains that are reserved for examples (RFC 2606).
 */

const FIRST_NAMES = `Ada Amir Ana Anton Aisha Ben Carla Chen Clara Daniel Dina Elena Emil Fatima Finn
Grace Hana Hugo Ines Ivan Jana Jonas Kaito Karin Lars Leila Lina Luca Maja Marco Mei Milan Nadia Noah
Nora Olga Omar Paula Petra Priya Rafael Rosa Sam Sofia Tariq Tomas Uma Vera Viktor Yara`;

const LAST_NAMES = `Abbas Adler Almeida Andersen Bakker Baumann Becker Bianchi Brandt Castro Chandra
Costa Dahl Diaz Dubois Eriksen Farkas Fischer Fontaine Garcia Gruber Haas Hansen Hoffmann Ito Jansen
Jovanovic Kaya Keller Khan Klein Kowalski Kruger Lang Larsen Lehmann Lindqvist Lopez Maier Marin
Meyer Moreau Nakamura Navarro Nguyen Novak Okafor Olsen Park Pereira Petrov Popescu Richter Rossi
Santos Schmidt Silva Singh Sokolov Suzuki Takahashi Torres Varga Vogel Wagner Weber Winkler Yilmaz`;

const CITIES = `Amsterdam/AMS Athens/ATH Barcelona/BCN Berlin/BER Brussels/BRU Budapest/BUD
Copenhagen/CPH Dublin/DUB Dusseldorf/DUS Edinburgh/EDI Frankfurt/FRA Geneva/GVA Hamburg/HAM
Helsinki/HEL Lisbon/LIS Madrid/MAD Milan/MXP Munich/MUC Oslo/OSL Paris/CDG Porto/OPO Prague/PRG
Rome/FCO Vienna/VIE`;

const MODELS = `Fiat_500 VW_Polo Renault_Clio VW_Golf Skoda_Octavia Toyota_Corolla Volvo_V60 BMW_320i
Tesla_Model_3 VW_Transporter Ford_Transit Kia_Niro Hyundai_Kona Dacia_Duster Mini_Cooper Audi_A6`;

/** A text array literal of the words. */
function words(text: string): string {
  const quoted = text.split(/\s+/).map((word) => `'${word.replaceAll('_', ' ')}'`);
  return `(array[${quoted.join(',')}]::text[])`;
}

/** One of the words, picked by the hash of `key`. */
function oneOf(text: string, key: string, seed: number): string {
  return `${words(text)}[1 + pick(${key}, ${seed}, ${text.split(/\s+/).length})]`;
}

/**
 * pick(key, seed, n): a number from 0 to n - 1 that depends on key and seed only. It is inlined by the
 * planner, so that 300,000 rows cost no function calls.
 */
const PICK_SQL = `
create function pick(key bigint, seed bigint, n int) returns int immutable language sql
  return ((hashint8extended(key, seed) & 9007199254740991) % n)::int;
`;

const name = (key: string): string =>
  `${oneOf(FIRST_NAMES, key, 1)} || ' ' || ${oneOf(LAST_NAMES, key, 2)}`;

const PLACES_SQL = `
insert into locations
  select i, split_part(place, '/', 1), split_part(place, '/', 2),
         (1 + pick(i, 3, 180)) || ' Airport Road', '06:00', '23:00'
    from unnest(${words(CITIES)}) with ordinality as t(place, i);
insert into vehicle_classes values
  (1, 'MINI', 'Mini', 29), (2, 'ECON', 'Economy', 36), (3, 'COMP', 'Compact', 44),
  (4, 'ESTA', 'Estate', 58), (5, 'PREM', 'Premium', 89), (6, 'ELEC', 'Electric', 72),
  (7, 'VANS', 'Van', 95), (8, 'SUVS', 'SUV', 78);
insert into employees
  select i, 1 + pick(i, 4, 24), ${name('(i + 900000)')},
         ${oneOf('manager desk desk desk mechanic mechanic driver', 'i', 5)},
         date '2026-11-01' - pick(i, 6, 4000)
    from generate_series(1, 180) i;
insert into vehicles
  select i, chr(65 + pick(i, 7, 26)) || chr(65 + pick(i, 8, 26)) || '-' || lpad(i::text, 4, '0')
            || '-' || chr(65 + pick(i, 9, 26)),
         1 + pick(i, 10, 8), 1 + pick(i, 11, 24), ${oneOf(MODELS, 'i', 12)},
         2019 + pick(i, 13, 8), 1500 + pick(i, 14, 140000),
         ${oneOf('available available available rented rented workshop', 'i', 15)}
    from generate_series(1, 2400) i;
`;

const PEOPLE_SQL = `
insert into customers
  select i, full_name,
         lower(replace(full_name, ' ', '.')) || i || '@example.'
           || ${oneOf('com net org', 'i', 16)},
         '+49 30 ' || lpad(pick(i, 17, 10000000)::text, 7, '0'),
         upper(substr(md5('licence' || i), 1, 10)),
         date '2026-11-01' - pick(i, 18, 3000), pick(i, 19, 5000)
    from (select i, ${name('i')} as full_name from generate_series(1, 32000) i) made;
`;

const BOOKINGS_SQL = `
insert into bookings (id, customer_id, vehicle_id, pickup_id, starts_on, ends_on, status, price)
  select i, 1 + pick(i, 20, 32000), v.id, v.home_id, starts_on, starts_on + days,
         case when starts_on > date '2026-11-01' then 'reserved'
              when pick(i, 21, 20) = 0 then 'cancelled' else 'returned' end,
         days * c.price_per_day
    from (select i, 1 + pick(i, 22, 2400) as vehicle_id,
                 date '2024-11-01' + pick(i, 23, 790) as starts_on, 1 + pick(i, 24, 14) as days
            from generate_series(1, 72000) i) made
    join vehicles v on v.id = made.vehicle_id
    join vehicle_classes c on c.id = v.class_id
   order by i;
select setval(pg_get_serial_sequence('bookings', 'id'), 72000);
insert into booking_extras
  select id, ${oneOf('child-seat navigation full-cover extra-driver winter-tyres', 'id', 25)},
         5 + pick(id, 26, 60)
    from bookings where pick(id, 27, 3) = 0;
insert into payments
  select id, id, starts_on - pick(id, 28, 30) + time '08:00', price,
         ${oneOf('card card card card transfer cash', 'id', 29)},
         'PAY-' || upper(substr(md5('payment' || id), 1, 12))
    from bookings where status <> 'cancelled';
insert into reviews
  select id, id, 1 + pick(id, 30, 5),
         ${oneOf('Smooth. Late. Clean. Friendly. Overpriced. Again!', 'id', 31)}
    from bookings where status = 'returned' and pick(id, 32, 6) = 0;
`;

const FLEET_SQL = `
insert into maintenance
  select i, 1 + pick(i, 33, 2400), 1 + pick(i, 34, 180), date '2026-11-01' - pick(i, 35, 1500),
         ${oneOf('oil brakes tyres inspection windscreen battery', 'i', 36)},
         40 + pick(i, 37, 900)
    from generate_series(1, 7200) i;
insert into odometer_readings
  select v, date '2026-11-01' - 30 * m, 2000 + (12 - m) * (800 + pick(v, 38, 1400))
    from generate_series(1, 2400) v, generate_series(0, 9) m;
`;

export const ROWS_SQL: readonly string[] = [
  PICK_SQL,
  PLACES_SQL,
  PEOPLE_SQL,
  BOOKINGS_SQL,
  FLEET_SQL,
  'drop function pick(bigint, bigint, int)',
];
