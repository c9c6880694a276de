-- A setting that was set in an earlier transaction of the connection reads as '', not NULL.
CREATE OR REPLACE FUNCTION public.price_actor()
 RETURNS bigint
 LANGUAGE sql
 STABLE
RETURN (NULLIF(current_setting('bookstore.price_actor'::text, true), ''::text))::bigint;
