-- A setting that was set in an earlier transaction of the connection reads as '', not NULL.
CREATE OR REPLACE FUNCTION public.price_source()
 RETURNS text
 LANGUAGE sql
 STABLE
RETURN COALESCE(NULLIF(current_setting('bookstore.price_source'::text, true), ''::text), 'edit'::text);
