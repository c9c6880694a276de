CREATE OR REPLACE FUNCTION public.in_latin_letters(folded text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
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
END $function$;
