CREATE OR REPLACE FUNCTION public.filler_query(value text)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT (string_agg(quote_literal(search_terms.term), ' & '::text))::tsquery AS string_agg FROM search_terms(search_expression(filler_query.value)) search_terms(place, term, kind) WHERE (search_terms.kind = 'filler'::text));
