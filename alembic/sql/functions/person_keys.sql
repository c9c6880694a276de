CREATE OR REPLACE FUNCTION public.person_keys(names text[])
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ARRAY(SELECT person_key(name.name) AS person_key FROM unnest(person_keys.names) name(name));
