-- Folded text without the marks that readers leave out: vowel points, tatweel and what cannot be seen; alef and yeh in
-- all their forms are one letter each.
CREATE OR REPLACE FUNCTION bare_letters(folded text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF octet_length(folded) = length(folded)
        OR folded !~ '[\u00ad\u0591-\u06ff\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]' THEN RETURN folded; END IF;
    RETURN translate(
        regexp_replace(
            folded,
            '[\u00ad\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u05f3\u05f4\u0610-\u061a\u0640\u064b-\u065f\u0670'
            '\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]',
            '', 'g'),
        'آأإٱىیکة٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'اااايیكه01234567890123456789');
END $$;

-- Not STRICT, as `fold` is not: the planner would not put its body in its place.
CREATE OR REPLACE FUNCTION search_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN plain_words(bare_letters(fold(value)));

-- Chinese, Japanese and Korean are written without spaces, or with spaces that do not count: each two characters that
-- stand together are a word, and so are the first and the last one. A search may begin and end anywhere.
CREATE OR REPLACE FUNCTION with_bigrams(plain text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    cjk CONSTANT text := '\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3040-\u31ff\u3400-\u9fff'
        '\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff';
    text text := plain;
BEGIN
    IF octet_length(plain) = length(plain) OR plain !~ ('[' || cjk || ']') THEN RETURN plain; END IF;
    text := regexp_replace(text, '([' || cjk || ']) (?=[' || cjk || '])', '\1', 'g');
    text := regexp_replace(text, '(?<=[' || cjk || '])(?=[^ \n' || cjk || '])|(?<=[^ \n' || cjk || '])(?=[' || cjk || '])', ' ', 'g');
    RETURN replace(regexp_replace(text, '([' || cjk || '])', '\1' || chr(1) || '\1', 'g'), chr(1), ' ');
END $$;

-- A term of a query as it is indexed: two characters each of Chinese, Japanese and Korean, in their order.
CREATE OR REPLACE FUNCTION query_bigrams(term text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF octet_length(term) = length(term) OR with_bigrams(term) = term OR length(term) = 1 THEN RETURN term; END IF;
    -- The first and the last character by themselves may stand within other words.
    RETURN btrim(regexp_replace(with_bigrams(term), '(^|(?<= ))[^ ]( |$)', '', 'g'));
END $$;

-- Greek and Cyrillic words in the Latin letters that people write them with, in more than one way; the letters are those
-- of anyascii, which knows no neighbours.
CREATE OR REPLACE FUNCTION in_latin_letters(folded text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    letters CONSTANT text[] := string_to_array(
        'ͱh ͳs ʹ ͷw ͺi ͻs ͼs ͽs άa έe ήi ίi αa βv γg δd εe ζz ηi θth ιi κk λl μm νn ξx οo πp ρr σs τt υy'
        ' φf χch ψps ωo ϊi ϋy όo ύy ώo ϒy ϓy ϔy ϗ ϙq ϛst ϝw ϟq ϡs ϣsh ϥf ϧx ϩh ϫj ϭc ϯti ϲs ϳj ϸsh ϻs ϼr'
        ' аa бb вv гg дd еe жzh зz иi йy кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch ъ ыy ь эe'
        ' юyu яya ѐe ёe ђdj ѓg єie ѕdz іi їi јj љlj њnj ћc ќk ѝi ўu џdzh ѡo ѣe ѥie ѧe ѩie ѫo ѭio ѯks ѱps'
        ' ѳf ѵy ѷy ѹu ѻo ѽo ѿot ҁq ҋjh ҍ ҏrh ґg ғgh ҕgh җj ҙz қq ҝg ҟq ҡq ңng ҥng ҧph ҩw ҫs ҭth үu ұu ҳh'
        ' ҵts ҷj ҹc һh ҽch ҿch ӂgi ӄq ӆlh ӈng ӊnh ӌdzh ӎmh ӏh ӑa ӓa ӕae ӗe әa ӛe ӝdzh ӟj ӡdz ӣi ӥi ӧo өo'
        ' ӫy ӭa ӯu ӱu ӳu ӵtsh ӷgh ӹy ӻxh ӽx ӿh ԁd ԃdj ԅzj ԇdz ԉlj ԋnj ԍsj ԏtj ԑa ԓl ԕlkh ԗrkh ԙa ԛq ԝw ԟq'
        ' ԡl ԣn ԥph ԧ ԩny ԫdzh ԭdch ԯl', ' ');
    ways text[];
    letter text;
BEGIN
    IF octet_length(folded) = length(folded) OR folded !~ '[\u0370-\u052f]' THEN RETURN ''; END IF;
    folded := (SELECT string_agg(word, ' ') FROM regexp_split_to_table(folded, '[^[:alnum:]]+' COLLATE pg_c_utf8) AS word
        WHERE word ~ '[\u0370-\u052f]');
    -- Dostoevskiy and Papadopoylos; Dostoyevsky and Papadopoulos; Nikolai and Alexandr.
    ways := ARRAY[
        folded,
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            replace(replace(replace(replace(replace(folded, 'ου', 'ou'), 'αυ', 'av'), 'ευ', 'ev'), 'γγ', 'ng'), 'є', 'ye'),
            '(ий|ый)\M' COLLATE pg_c_utf8, 'y', 'g'),
            '(\m|[аеиоуыэюяьъ])е' COLLATE pg_c_utf8, '\1ye', 'g'),
            '\mμπ' COLLATE pg_c_utf8, 'b', 'g'), '\mντ' COLLATE pg_c_utf8, 'd', 'g'),
        replace(replace(regexp_replace(replace(
            folded, 'χ', 'h'), '(ий|ый)\M' COLLATE pg_c_utf8, 'y', 'g'), 'й', 'i'), 'кс', 'x')];
    folded := array_to_string(ways, ' ');
    FOREACH letter IN ARRAY letters LOOP
        folded := replace(folded, left(letter, 1), substr(letter, 2));
    END LOOP;
    RETURN (SELECT string_agg(DISTINCT word, ' ') FROM regexp_split_to_table(folded, ' ') AS word);
END $$;

CREATE OR REPLACE FUNCTION search_variants(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE spelt text := casefold(normalize(value) COLLATE pg_unicode_fast);
BEGIN
    spelt := replace(replace(replace(spelt, 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue');
    spelt := bare_letters(fold(replace(replace(replace(spelt, 'ø', 'oe'), 'å', 'aa'), '&', ' and ')));
    RETURN regexp_replace(spelt, '[^[:alnum:]]+' COLLATE pg_c_utf8, ' ', 'g')
        || CASE WHEN spelt ~ '[[:alnum:]]-[[:alnum:]]'
            THEN ' ' || plain_words(regexp_replace(spelt, '(?<=[[:alnum:]])-(?=[[:alnum:]])', '', 'g'))
            ELSE '' END;
END $$;

-- Plain text in ASCII has no variants, and is most of what there is.
CREATE OR REPLACE FUNCTION search_vector(value text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE words tsvector := to_tsvector('simple', with_bigrams(search_text(value)));
BEGIN
    IF value !~ '[^a-zA-Z0-9 ,:;!?()\n]|\m[a-zA-Z] [a-zA-Z]\M' COLLATE "C" THEN RETURN words; END IF;
    RETURN words || ts_delete(
        to_tsvector('simple', with_bigrams(search_variants(value)) || ' ' || in_latin_letters(fold(value))),
        tsvector_to_array(words));
END $$;

-- The query in the syntax of websearch_to_tsquery, its words as in search_text; chr(1) keeps the place of a minus.
CREATE OR REPLACE FUNCTION search_expression(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(translate(bare_letters(fold(value)), '''`´ʹʻʼʽʾʿˈ', ''), '(^|[^[:alnum:]])-(?=["[:alnum:]])' COLLATE pg_c_utf8, '\1' || chr(1), 'g'), '[^[:alnum:]"' || chr(1) || ']+' COLLATE pg_c_utf8, ' ', 'g'), '\m([[:alpha:]]) (?=[[:alpha:]]\M)' COLLATE pg_c_utf8, '\1', 'g'), ' ?' || chr(1), ' -', 'g'));

-- Words that mean the same number, the number itself among them; none for other words.
CREATE OR REPLACE FUNCTION number_words(word text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT array_remove(string_to_array(meaning, ' '), word)
    FROM unnest(ARRAY[
        '1 one eins uno', '2 two zwei deux dos due ii', '3 three drei trois tres tre iii', '4 four vier quatre cuatro quattro iv',
        '5 five funf cinq cinco cinque', '6 six sechs seis sei vi', '7 seven sieben sept siete sette vii',
        '8 eight acht huit ocho otto viii', '9 nine neun neuf nueve nove ix', '10 ten zehn dix diez dieci',
        '11 eleven elf onze once undici xi', '12 twelve zwolf douze doce dodici xii', '13 thirteen dreizehn treize trece xiii',
        '14 fourteen vierzehn quatorze catorce xiv', '15 fifteen funfzehn quinze quince xv', '16 sixteen sechzehn seize xvi',
        '17 seventeen siebzehn xvii', '18 eighteen achtzehn xviii', '19 nineteen neunzehn xix', '20 twenty zwanzig vingt veinte xx']
    ) AS meaning
    WHERE word = ANY (string_to_array(meaning, ' ')) LIMIT 1);

-- The terms of a query in order: words, quoted phrases, what must not occur, and words of form and filler, which count for
-- the order alone. Words of filler alone are words like others, and so is every word beside an OR.
CREATE OR REPLACE FUNCTION search_terms(expression text, OUT place integer, OUT term text, OUT kind text) RETURNS SETOF record
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 5 AS $$
DECLARE
    fillers CONSTANT text[] := string_to_array(
        'a an the and by of in on for to from with der die das dem den des ein eine und von vom zu mit le la les l un une du de d et'
        ' par pour el los las unos y del por para il lo gli i e di da della dei o os as um uma do het een en van ett det och og av af'
        ' book books paperback paperbacks hardcover hardback ebook ebooks epub kindle pdf audiobook audiobooks novel novels'
        ' buch bucher taschenbuch horbuch roman livre livres poche libro libros novela romanzo boek boeken bok bog'
        ' vol volume volumes band bd tome tomo teil deel part no nr number author isbn edition', ' ');
    found text[] := ARRAY(SELECT one[1] FROM regexp_matches(expression, '-?"[^"]*"?|[^ ]+', 'g') AS one);
    has_content boolean;
BEGIN
    has_content := 'or' = ANY (found) OR EXISTS (SELECT FROM unnest(found) AS one WHERE one <> ALL (fillers) AND one !~ '^-|^"*$');
    FOR place IN 1 .. cardinality(found) LOOP
        term := found[place];
        kind := CASE
            WHEN starts_with(term, '-') THEN 'excluded'
            WHEN starts_with(term, '"') THEN 'phrase'
            WHEN has_content AND 'or' <> ALL (found) AND term = ANY (fillers) THEN 'filler'
            ELSE 'word' END;
        RETURN NEXT;
    END LOOP;
END $$;

-- What else finds a word of a query: its number otherwise written, the word in Latin letters, in one with its
-- neighbour, or in two.
CREATE OR REPLACE FUNCTION other_spellings(words text[], place integer) RETURNS tsquery
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    spelt CONSTANT text := words[place];
    others text[] := ARRAY(
        SELECT quote_literal(one)
        FROM unnest(number_words(spelt) || string_to_array(nullif(in_latin_letters(spelt), ''), ' ')) AS one);
BEGIN
    IF spelt ~ '^[0-9]+$' THEN RETURN nullif(array_to_string(others, ' | '), '')::tsquery; END IF;
    others := others || ARRAY(
        SELECT quote_literal(joined) FROM unnest(ARRAY[words[place - 1] || spelt, spelt || words[place + 1]]) AS joined
        WHERE EXISTS (SELECT FROM search_words AS known WHERE known.word = joined COLLATE "C"));
    IF length(spelt) BETWEEN 5 AND 40 THEN
        others := others || ARRAY(
            SELECT '(' || quote_literal(left(spelt, size)) || ' <-> ' || quote_literal(substr(spelt, size + 1)) || ')'
            FROM generate_series(2, length(spelt) - 2) AS size
            WHERE (size = 2 OR EXISTS (SELECT FROM search_words AS known WHERE known.word = left(spelt, size) COLLATE "C"))
            AND (size = length(spelt) - 2 OR EXISTS (
                SELECT FROM search_words AS known WHERE known.word = substr(spelt, size + 1) COLLATE "C"))
            ORDER BY abs(2 * size - length(spelt)) LIMIT 3);
    END IF;
    RETURN nullif(array_to_string(others, ' | '), '')::tsquery;
END $$;

-- What is looked for: NULL where there is no word, or only such as must not occur.
-- A word with an umlaut is looked for as ae, oe, ue too, one in Greek or Cyrillic letters in Latin ones too, one with a
-- hyphen in one word too; then synonyms and other spellings are added.
CREATE OR REPLACE FUNCTION search_query(value text) RETURNS tsquery
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    terms text[];
    kinds text[];
    words text[];
    asked tsquery;
    word text;
    plain tsquery;
    variant tsquery;
BEGIN
    SELECT array_agg(term ORDER BY place), array_agg(kind ORDER BY place) INTO terms, kinds FROM search_terms(search_expression(value));
    IF terms IS NULL THEN RETURN NULL; END IF;
    asked := websearch_to_tsquery('simple', (
        SELECT string_agg(CASE
            WHEN indexed = term THEN term
            WHEN kind = 'word' THEN '"' || indexed || '"'
            WHEN kind = 'excluded' AND NOT starts_with(term, '-"') THEN '-"' || btrim(indexed, '-" ') || '"'
            ELSE indexed END, ' ' ORDER BY place)
        FROM unnest(terms, kinds) WITH ORDINALITY AS terms (term, kind, place), query_bigrams(term) AS indexed
        WHERE kind <> 'filler'));
    IF querytree(asked) IN ('', 'T') THEN RETURN NULL; END IF;
    FOR word IN
        SELECT DISTINCT match[1]
        FROM regexp_matches(
            casefold(normalize(value) COLLATE pg_unicode_fast) COLLATE pg_c_utf8,
            '[[:alnum:]]*[äöüøå][[:alnum:]]*|[[:alnum:]]+(?:-[[:alnum:]]+)+', 'g') AS match
    LOOP
        plain := plainto_tsquery('simple', search_text(word));
        variant := plainto_tsquery('simple', regexp_replace(search_variants(word), '^.* (?=.)', ''));
        IF numnode(plain) > 0 AND numnode(variant) > 0 AND plain <> variant THEN
            asked := ts_rewrite(asked, plain, plain || variant);
        END IF;
    END LOOP;
    asked := ts_rewrite(asked, format(
        'SELECT searched, (searched::text || '' | '' || string_agg(finds::text, '' | ''))::tsquery'
        ' FROM search_synonym_rules WHERE %L::tsquery @> searched GROUP BY searched', asked));
    IF 'or' = ANY (terms) THEN RETURN asked; END IF;
    -- Filler parts neighbours; so does what is quoted or excluded.
    words := ARRAY(
        SELECT CASE WHEN kind = 'word' THEN term END FROM unnest(terms, kinds) WITH ORDINALITY AS terms (term, kind, place) ORDER BY place);
    FOR place IN 1 .. least(cardinality(words), 12) LOOP
        CONTINUE WHEN words[place] IS NULL;
        plain := quote_literal(words[place])::tsquery;
        IF length(words[place]) = 1 AND with_bigrams(words[place]) <> words[place] THEN
            asked := ts_rewrite(asked, plain, (quote_literal(words[place]) || ':*')::tsquery);
        END IF;
        variant := other_spellings(words, place);
        IF variant IS NOT NULL THEN asked := ts_rewrite(asked, plain, plain || variant); END IF;
    END LOOP;
    RETURN asked;
END $$;

-- The words of form and filler that `search_query` leaves out; NULL where there are none.
CREATE OR REPLACE FUNCTION filler_query(value text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT string_agg(quote_literal(term), ' & ')::tsquery FROM search_terms(search_expression(value)) WHERE kind = 'filler');

-- What finds the books that have some of the words, where none has all: as many as any book has (`most`), or the rarest
-- (`rare`); with each word, as it was typed, its query and the weight of its rarity. No row where some book has all words.
-- It changes nothing and is yet not STABLE: such functions may not ask the planner.
-- That a few rows are enough must not tempt the planner to read the table until it has met them: hence the settings.
CREATE OR REPLACE FUNCTION partial_search(
    value text, OUT most tsquery, OUT rare tsquery, OUT words text[], OUT queries tsquery[], OUT weights double precision[]) RETURNS SETOF record
LANGUAGE plpgsql STRICT PARALLEL SAFE ROWS 1
SET enable_seqscan TO 'off' SET enable_indexscan TO 'off' SET enable_indexonlyscan TO 'off' AS $$
DECLARE
    expression CONSTANT text := search_expression(value);
    asked CONSTANT tsquery := search_query(value);
    title CONSTANT text := search_title(value);
    all_books CONSTANT double precision := greatest(1, (SELECT reltuples FROM pg_class WHERE oid = 'book_documents'::regclass));
    excluded tsquery := NULL;
    terms text[];
    kinds text[];
    books integer[];
    plan json;
    expected double precision;
    finding tsquery;
    known integer[];
    total integer := 0;
BEGIN
    SELECT array_agg(term ORDER BY place), array_agg(kind ORDER BY place) INTO terms, kinds
    FROM search_terms(expression) WHERE kind <> 'filler';
    IF asked IS NULL OR 'or' = ANY (terms) OR cardinality(array_remove(array_remove(kinds, 'excluded'), '')) < 2 THEN RETURN; END IF;
    IF EXISTS (SELECT FROM book_documents WHERE book_documents.words @@ asked) OR EXISTS (
        SELECT FROM book_documents WHERE title_words >= title AND title_words < title || chr(1114111)) THEN RETURN; END IF;
    words := '{}';
    queries := '{}';
    books := '{}';
    FOR place IN 1 .. cardinality(terms) LOOP
        IF kinds[place] = 'excluded' THEN
            excluded := coalesce(excluded && websearch_to_tsquery('simple', terms[place]), websearch_to_tsquery('simple', terms[place]));
            CONTINUE;
        END IF;
        finding := search_query(terms[place]);
        CONTINUE WHEN finding IS NULL OR cardinality(words) = 12;
        words := words || coalesce(
            (SELECT raw FROM regexp_split_to_table(value, '\s+') AS raw WHERE search_expression(raw) = terms[place] LIMIT 1), terms[place]);
        IF kinds[place] = 'word' THEN
            finding := coalesce(finding || other_spellings(ARRAY(SELECT CASE WHEN kind = 'word' THEN term END
                FROM unnest(terms, kinds) WITH ORDINALITY AS others (term, kind, at) ORDER BY at), place), finding);
        END IF;
        queries := queries || finding;
        -- Of common words the planner knows how many books have them: counting those would take long.
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM book_documents WHERE words @@ %L', finding) INTO plan;
        expected := (plan -> 0 -> 'Plan' ->> 'Plan Rows')::double precision;
        books := books || CASE WHEN expected > 3000 THEN expected::integer ELSE (SELECT count(*)::integer FROM (
            SELECT FROM book_documents WHERE book_documents.words @@ finding LIMIT 3000) AS few) END;
    END LOOP;
    IF cardinality(words) < 2 THEN RETURN; END IF;
    weights := ARRAY(SELECT ln(1 + all_books / greatest(1, one))::double precision FROM unnest(books) WITH ORDINALITY AS counted (one, at) ORDER BY at);
    -- Of many words the rarest tell the most.
    known := ARRAY(SELECT at FROM unnest(books) WITH ORDINALITY AS counted (one, at) WHERE one > 0 ORDER BY one, at LIMIT 6);
    FOR size IN REVERSE least(cardinality(known), cardinality(words) - 1) .. 2 LOOP
        SELECT string_agg('(' || together || ')', ' | ')::tsquery INTO most FROM (
            SELECT string_agg('(' || queries[known[bit + 1]]::text || ')', ' & ') AS together
            FROM generate_series(1, (1 << cardinality(known)) - 1) AS mask, generate_series(0, cardinality(known) - 1) AS bit
            WHERE bit_count(mask::bit(8)) = size AND mask & (1 << bit) <> 0 GROUP BY mask) AS combined;
        EXIT WHEN EXISTS (SELECT FROM book_documents WHERE book_documents.words @@ (most && coalesce(excluded, most)));
        most := NULL;
    END LOOP;
    FOR place IN 1 .. cardinality(known) LOOP
        EXIT WHEN total > 2000;
        rare := coalesce(rare || queries[known[place]], queries[known[place]]);
        total := total + books[known[place]];
    END LOOP;
    IF rare IS NULL THEN RETURN; END IF;
    IF excluded IS NOT NULL THEN
        most := most && excluded;
        rare := rare && excluded;
    END IF;
    RETURN NEXT;
END $$;

-- The expression with misspelt words mended; NULL where enough is found as it is, or nothing better is known.
-- Mended are the words that are nowhere in the catalogue, or any when all are known and yet nothing is found; words of
-- filler are left alone. Of several words that may be meant the nearest is taken, then the one that more books have
-- beside the other words. A word that is known in two, or in one with its neighbour, is not misspelt.
-- That a few rows are enough must not tempt the planner to read the table until it has met them: hence the settings.
CREATE OR REPLACE FUNCTION corrected_search(value text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE STRICT
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET enable_indexonlyscan TO 'off'
AS $function$
DECLARE
    asked tsquery := search_query(value);
    parts text[] := string_to_array(search_expression(value), ' ');
    fillers text[] := ARRAY(SELECT term FROM search_terms(search_expression(value)) WHERE kind = 'filler');
    wanted text[] := '{}';
    wrong integer[] := '{}';
    checked integer[] := '{}';
    place integer;
    bare text;
    meant tsquery;
    hits integer;
    books integer;
    best text;
BEGIN
    hits := (SELECT count(*) FROM (SELECT FROM book_documents WHERE words @@ (SELECT asked) LIMIT 5) AS few);
    IF asked IS NULL OR hits = 5 THEN RETURN NULL; END IF;
    FOR place IN 1 .. cardinality(parts) LOOP
        bare := btrim(parts[place], '"');
        CONTINUE WHEN bare = '' OR starts_with(bare, '-') OR bare = 'or' OR bare = ANY (fillers);
        wanted[place] := quote_literal(bare);
        CONTINUE WHEN length(bare) NOT BETWEEN 3 AND 40 OR bare ~ '^[0-9]+$';
        checked := checked || place;
        IF NOT EXISTS (SELECT FROM search_words AS known WHERE known.word = bare)
            AND other_spellings(parts, place) IS NULL THEN
            wrong := wrong || place;
        END IF;
    END LOOP;
    IF wrong = '{}' AND hits = 0 THEN wrong := checked; END IF;
    IF cardinality(wrong) NOT BETWEEN 1 AND 5 THEN RETURN NULL; END IF;
    FOREACH place IN ARRAY wrong LOOP
        wanted[place] := (
            SELECT '(' || string_agg(quote_literal(near.word), ' | ') || ')'
            FROM similar_words(btrim(parts[place], '"')) AS near);
        IF wanted[place] IS NULL THEN RETURN NULL; END IF;
    END LOOP;
    FOREACH place IN ARRAY wrong LOOP
        bare := btrim(parts[place], '"');
        meant := CASE WHEN 'or' = ANY (parts) THEN wanted[place] ELSE array_to_string(wanted, ' & ') END;
        WITH mainly AS MATERIALIZED (
            SELECT words FROM book_documents
            WHERE ts_filter(words, '{a,b}'::"char"[]) @@ (SELECT meant)
            LIMIT 500
        ), beside AS MATERIALIZED (
            SELECT words FROM mainly
            UNION ALL
            (SELECT words FROM book_documents
            WHERE words @@ (SELECT meant) AND NOT EXISTS (SELECT FROM mainly)
            LIMIT 500)
        )
        SELECT near.word, having_it.books INTO best, books
        FROM similar_words(bare) AS near,
            LATERAL (SELECT count(*) AS books FROM beside WHERE words @@ quote_literal(near.word)::tsquery) AS having_it
        WHERE having_it.books > 0
        ORDER BY near.mistakes, having_it.books DESC, near.word
        LIMIT 1;
        IF best IS NULL THEN RETURN NULL; END IF;
        wanted[place] := quote_literal(best);
        parts[place] := replace(parts[place], bare, best);
    END LOOP;
    bare := array_to_string(parts, ' ');
    RETURN CASE WHEN books > hits AND bare <> search_expression(value) THEN bare END;
END $function$;

-- A book off sale has no document: so lists, searches, facets and suggestions leave it out.
-- Locked first and read by the next statement: of two writers the second one sees what the first one wrote.
CREATE OR REPLACE FUNCTION refresh_book_documents(ids bigint[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM FROM book_documents WHERE book_id = ANY (ids) ORDER BY book_id FOR NO KEY UPDATE;
    DELETE FROM book_documents USING items
    WHERE book_id = ANY (ids) AND items.id = book_id AND NOT items.is_active;
    WITH lines AS MATERIALIZED (
        SELECT shelf.id, array_agg(above.id) AS line
        FROM categories AS shelf, categories AS above,
            generate_series(1, cardinality(string_to_array(shelf.path, '/'))) AS depth
        WHERE shelf.id IN (SELECT category_id FROM book_categories WHERE book_id = ANY (ids))
        AND above.path = array_to_string((string_to_array(shelf.path, '/'))[:depth], '/')
        GROUP BY shelf.id
    ), made AS (
        SELECT book_id, array_agg(DISTINCT author_id) AS author_ids,
            string_agg(array_to_string(name || aliases, E'\n'), E'\n' ORDER BY position) AS names
        FROM contributors JOIN authors ON authors.id = author_id
        WHERE book_id = ANY (ids) GROUP BY book_id
    ), shelved AS (
        SELECT book_id, array_agg(DISTINCT one) AS category_ids
        FROM book_categories JOIN lines ON lines.id = category_id, unnest(line) AS one
        WHERE book_id = ANY (ids) GROUP BY book_id
    ), kept AS (
        INSERT INTO book_documents (
            book_id, title_words, words, price, in_stock, language, format, year, series_id,
            author_ids, category_ids, subject_codes, sample)
        SELECT items.id, plain_words(bare_letters(items.title_folded)),
            setweight(search_vector(items.title), 'A')
            || setweight(search_vector(concat_ws(E'\n', made.names, series.name, books.series_position)), 'B')
            || coalesce(setweight(search_vector(nullif(concat_ws(E'\n', books.subtitle, about.words), '')), 'C'), '')
            || coalesce(setweight(to_tsvector('simple', with_bigrams(search_text(
                nullif(concat_ws(E'\n', items.description, books.edition_statement), '')))), 'D'), ''),
            items.price, coalesce(stock_levels.on_hand > stock_levels.reserved, false),
            books.language, books.format, books.year, books.series_id,
            coalesce(author_ids, '{}'), coalesce(category_ids, '{}'), coalesce(about.codes, '{}'),
            hashint8(items.id) & 2147483647
        FROM books
        JOIN items ON items.id = books.item_id
        LEFT JOIN stock_levels ON stock_levels.item_id = items.id
        LEFT JOIN series ON series.id = books.series_id
        LEFT JOIN made ON made.book_id = items.id
        LEFT JOIN shelved ON shelved.book_id = items.id
        LEFT JOIN LATERAL (
            SELECT string_agg(DISTINCT concat_ws(' ', one ->> 'heading', one ->> 'code'), E'\n') AS words,
                array_agg(DISTINCT left(one ->> 'code', size)) AS codes
            FROM jsonb_array_elements(books.subjects) AS one, generate_series(1, length(one ->> 'code')) AS size
        ) AS about ON books.subjects <> '[]'
        WHERE books.item_id = ANY (ids) AND items.is_active
        ORDER BY items.id
        ON CONFLICT (book_id) DO UPDATE SET
            title_words = excluded.title_words, words = excluded.words,
            price = excluded.price, in_stock = excluded.in_stock, language = excluded.language,
            format = excluded.format, year = excluded.year, series_id = excluded.series_id,
            author_ids = excluded.author_ids, category_ids = excluded.category_ids,
            subject_codes = excluded.subject_codes
        RETURNING words
    )
    INSERT INTO search_words (word)
    SELECT DISTINCT lexeme FROM kept, unnest(words) AS entry
    WHERE weights <> '{D}' AND length(lexeme) BETWEEN 3 AND 40 AND lexeme !~ '^[0-9]+$'
    AND NOT EXISTS (SELECT FROM search_words WHERE word = lexeme);
END $function$;

-- What name filters and suggestions look at: a space before each word, in Latin letters too.
CREATE OR REPLACE FUNCTION name_words(folded text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN rtrim(' ' || translate(plain_words(bare_letters(folded)), E'\n', ' ') || ' ' || in_latin_letters(folded));

-- For LIKE ALL on name_words: a pattern for each word, in whatever order, the longest first; short ones begin a word.
CREATE OR REPLACE FUNCTION name_patterns(value text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT array_agg(CASE WHEN length(word) < 3 THEN '% ' ELSE '%' END || word || '%' ORDER BY length(word) DESC, word)
    FROM regexp_split_to_table(search_text(value), '\s+') AS word WHERE word <> '');
