CREATE OR REPLACE FUNCTION public.publication_order(published_on date, first_published integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN COALESCE(((((EXTRACT(year FROM published_on) * (10000)::numeric) + (EXTRACT(month FROM published_on) * (100)::numeric)) + EXTRACT(day FROM published_on)))::integer, (first_published * 10000), '-99999999'::integer);
