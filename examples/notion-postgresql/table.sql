-- The table of the example, as a shop may have it. Lockstep needs no column of its own but the last one, which is optional.
CREATE TYPE order_state AS ENUM ('new', 'packed', 'sent', 'cancelled');

CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    shop text NOT NULL,
    title varchar(200) NOT NULL,
    customer text,
    total numeric(10, 2) NOT NULL DEFAULT 0,
    state order_state NOT NULL DEFAULT 'new',
    ships_at timestamp,
    tags text[] NOT NULL DEFAULT '{}',
    notes text,
    paid boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    lockstep_key uuid UNIQUE
);
