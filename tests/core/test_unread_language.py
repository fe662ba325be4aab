"""A language that is not served is detected; English and Spanish are never mistaken for another."""

from __future__ import annotations

import re

import pytest
from conversation import CATALOG
from hypothesis import given
from hypothesis import strategies as st

from caller_service.core.unread_language import bare, normal_words, script_of, unread_language
from caller_service.language.folders import folder
from caller_service.language.interpreters import read_unread

BY_TAG = read_unread()
KNOWN = BY_TAG.values()
SERVED = ("en", "es")

WRITTEN = {
    "zh-Hans": """
我妈妈摔倒了，她站不起来。
请帮帮我，我丈夫在打我。
我很害怕，不知道该怎么办
我在 Colfax Avenue 需要帮助，这里没有人会说英语""",
    "zh-Hant": """
我媽媽摔倒了，她站不起來。
請幫幫我，我先生在打我。
我兒子說他不想活了
佢話想死，我好驚，唔知點算""",
    "tl": """
Kailangan ko po ng tulong, nahulog ang nanay ko sa hagdan.
Sinasaktan ako ng asawa ko, natatakot ako.
hindi siya humihinga tulungan nyo kami
Wala kaming matuluyan ngayon, may kasama akong bata""",
    "vi": """
Tôi cần giúp đỡ, mẹ tôi bị ngã và không đứng dậy được.
Chồng tôi đang đánh tôi, xin hãy giúp tôi
toi can nguoi giup, chong toi danh toi, toi khong biet lam gi
Con trai tôi không muốn sống nữa""",
    "ar": """
أحتاج إلى مساعدة، أمي سقطت ولا تستطيع الوقوف.
زوجي يضربني وأنا خائفة
ابني لا يريد أن يعيش بعد الآن
شو اعمل، ما عندي بيت وانا برا بالشارع""",
    "fr": """
J'ai besoin d'aide, ma mère est tombée et elle ne se lève pas.
Mon mari me frappe, j’ai très peur
je ne veux plus vivre
aidez moi s'il vous plait, mon fils ne respire plus""",
    "ko": """
도와주세요, 어머니가 넘어지셨어요.
남편이 저를 때려요. 무서워요.
죽고 싶어요
저는 영어를 못해요, Denver에 있어요""",
    "ru": """
Помогите, моя мама упала и не встаёт.
Муж меня бьет, мне страшно
я больше не хочу жить
Нам негде ночевать сегодня, нас трое""",
    "pt": """
Preciso de ajuda, minha mãe caiu e não consegue levantar.
Meu marido está me batendo, estou com muito medo
ele nao respira, me ajuda, meu filho nao acorda
Eu não quero mais viver""",
    "ht": """
Mwen bezwen èd, manman mwen tonbe epi li pa ka leve.
Mari mwen ap bat mwen, tanpri ede mwen
mwen pa vle viv anko, mwen bouke anpil
Nou pa gen kote pou nou dòmi aswè a""",
    "hi": """
मुझे मदद चाहिए, मेरी माँ गिर गई है।
मेरा पति मुझे मार रहा है, मुझे डर लग रहा है
मैं अब जीना नहीं चाहता
हमारे पास सोने की जगह नहीं है""",
    "de": """
Ich brauche Hilfe, meine Mutter ist gestürzt und steht nicht auf.
Mein Mann schlägt mich, ich habe Angst
ich will nicht mehr leben
Bitte helfen Sie mir, mein Sohn atmet nicht""",
    "it": """
Ho bisogno di aiuto, mia madre è caduta e non si alza.
Mio marito mi picchia, ho molta paura
non voglio più vivere, aiutatemi
mio figlio non respira, per favore aiuto""",
    "pl": """
Potrzebuję pomocy, moja mama upadła i nie wstaje.
Mąż mnie bije, bardzo się boję
nie chce juz zyc, prosze o pomoc
Mój syn nie oddycha, proszę szybko""",
    "ja": """
助けてください、母が倒れました。
夫に殴られています。怖いです。
もう生きていたくない
カリフォルニアから来ました、泊まる場所がありません""",
    "fa": """
کمک لازم دارم، مادرم افتاده و بلند نمی‌شود.
شوهرم مرا می‌زند، خیلی می‌ترسم
دیگر نمی خواهم زندگی کنم
پسرم نفس نمی کشد لطفا کمک کنید""",
    "ur": """
مجھے مدد چاہیے، میری ماں گر گئی ہے۔
میرا شوہر مجھے مار رہا ہے، مجھے ڈر لگ رہا ہے
میں اب جینا نہیں چاہتا
ہمارے پاس رہنے کی جگہ نہیں ہے""",
    "prs": """
لطفا داکتر روان کنید، طفلم مریض است.
مادرم در شفاخانه است و مه موتر ندارم
پولیس ره نمی خواهم، تشکر
مه نمیتانم گپ بزنم، شوهرم ده خانه است""",
    "ps": """
زه مرستې ته اړتیا لرم، مور مې لوېدلې ده.
زما خاوند ما وهي، زه وېرېږم
زه نور ژوند نه غواړم
مهرباني وکړئ، زما زوی ساه نه اخلي""",
    "ckb": """
پێویستم بە یارمەتییە، دایکم کەوتووە.
مێردەکەم لێم دەدات، زۆر دەترسم
نامەوێت بژیم
تکایە یارمەتیم بدەن، کوڕەکەم هەناسە نادات""",
    "gu": """
મને મદદ જોઈએ છે, મારી મમ્મી પડી ગઈ છે.
મારો પતિ મને મારે છે
મારે હવે જીવવું નથી
અમારી પાસે રહેવાની જગ્યા નથી""",
    "bn": """
আমার সাহায্য দরকার, আমার মা পড়ে গেছেন।
আমার স্বামী আমাকে মারছে, আমি ভয় পাচ্ছি
আমি আর বাঁচতে চাই না
আমার ছেলে শ্বাস নিচ্ছে না""",
    "pa": """
ਮੈਨੂੰ ਮਦਦ ਚਾਹੀਦੀ ਹੈ, ਮੇਰੀ ਮਾਂ ਡਿੱਗ ਪਈ ਹੈ।
ਮੇਰਾ ਪਤੀ ਮੈਨੂੰ ਮਾਰਦਾ ਹੈ
ਮੈਂ ਹੁਣ ਜੀਣਾ ਨਹੀਂ ਚਾਹੁੰਦਾ
ਮੇਰਾ ਪੁੱਤਰ ਸਾਹ ਨਹੀਂ ਲੈ ਰਿਹਾ""",
    "te": """
నాకు సహాయం కావాలి, మా అమ్మ పడిపోయింది.
నా భర్త నన్ను కొడుతున్నాడు
నాకు బ్రతకాలని లేదు
మా అబ్బాయి ఊపిరి తీసుకోవడం లేదు""",
    "ta": """
எனக்கு உதவி வேண்டும், என் அம்மா விழுந்துவிட்டார்.
என் கணவர் என்னை அடிக்கிறார்
எனக்கு வாழ விருப்பமில்லை
என் மகன் மூச்சு விடவில்லை""",
    "ne": """
मलाई मद्दत चाहियो, मेरो आमा लड्नुभयो।
मेरो श्रीमान्ले मलाई कुट्नुहुन्छ, मलाई डर लागेको छ
म अब बाँच्न चाहन्न, मलाई सहयोग गर्नुहोस्
हामीसँग बस्ने ठाउँ छैन""",
    "uk": """
Допоможіть, моя мама впала і не встає.
Чоловік мене б'є, мені страшно
я більше не хочу жити
Мій син не дихає, будь ласка, швидше""",
    "am": """
እባክዎ እርዱኝ፣ እናቴ ወደቀች።
ባለቤቴ እየመታኝ ነው፣ በጣም ፈርቻለሁ
ከእንግዲህ መኖር አልፈልግም
ልጄ አይተነፍስም አሁን እርዳታ እፈልጋለሁ""",
    "ti": """
ሓገዝ የድልየኒ ኣሎ፣ ኣደይ ወዲቓ።
ሰብኣየይ ይወቕዓኒ ኣሎ፣ ኣነ ፈሪሐ
ኣነ ክነብር ኣይደልን እየ
ወደይ ኣየተንፍስን ኣሎ በጃኹም""",
    "so": """
Waxaan u baahanahay caawimaad, hooyaday way dhacday.
Ninkaygu wuu i garaacayaa, waan cabsanayaa
ma rabo inaan sii noolaado, waan daalay
Wiilkayga ma neefsanayo fadlan i caawi""",
    "sw": """
Nahitaji msaada, mama yangu ameanguka.
Mume wangu ananipiga, naogopa sana
sitaki kuishi tena, tafadhali nisaidie
Mtoto wangu hawezi kupumua""",
    "km": """
ខ្ញុំត្រូវការជំនួយ ម្តាយខ្ញុំដួល
ប្តីខ្ញុំវាយខ្ញុំ ខ្ញុំខ្លាចណាស់
ខ្ញុំមិនចង់រស់ទៀតទេ
កូនខ្ញុំមិនដកដង្ហើម""",
    "lo": """
ຂ້ອຍຕ້ອງການຄວາມຊ່ວຍເຫຼືອ ແມ່ຂ້ອຍລົ້ມ
ຜົວຂ້ອຍຕີຂ້ອຍ ຂ້ອຍຢ້ານ
ຂ້ອຍບໍ່ຢາກມີຊີວິດອີກ
ລູກຂ້ອຍບໍ່ຫາຍໃຈ""",
    "th": """
ช่วยด้วย แม่ของฉันล้ม
สามีทำร้ายฉัน ฉันกลัวมาก
ไม่อยากมีชีวิตอยู่แล้ว
ลูกไม่หายใจ""",
    "my": """
ကျွန်မ အကူအညီလိုပါတယ်၊ အမေ လဲကျသွားတယ်
ယောက်ျားက ရိုက်နေတယ်၊ ကြောက်တယ်
အသက်မရှင်ချင်တော့ဘူး
သားလေး အသက်မရှူဘူး""",
    "hmn": """
Kuv xav tau kev pab, kuv niam ntog lawm.
Kuv tus txiv ntaus kuv, kuv ntshai heev
kuv tsis xav ua neeg nyob lawm
Thov pab peb, peb tsis muaj tsev nyob""",
    "hy": """
Օգնեցեք, մայրս ընկել է։
Ամուսինս ինձ ծեծում է, ես վախենում եմ
այլևս չեմ ուզում ապրել
Տղաս չի շնչում""",
    "he": """
אני צריכה עזרה, אמא שלי נפלה.
בעלי מכה אותי, אני מפחדת
אני לא רוצה לחיות יותר
הבן שלי לא נושם""",
    "el": """
Χρειάζομαι βοήθεια, η μητέρα μου έπεσε.
Ο άντρας μου με χτυπάει, φοβάμαι
δεν θέλω να ζω άλλο
Ο γιος μου δεν αναπνέει""",
    "ro": """
Am nevoie de ajutor, mama mea a căzut și nu se ridică.
Soțul meu mă bate, îmi este frică
nu mai vreau sa traiesc, va rog ajutati-ma
Fiul meu nu respiră, vă rog""",
    "sq": """
Kam nevojë për ndihmë, nëna ime ka rënë.
Burri im më rreh, kam shumë frikë
nuk dua te jetoj me, ju lutem ndihme
Djali im nuk merr frymë""",
    "tr": """
Yardıma ihtiyacım var, annem düştü ve kalkamıyor.
Kocam beni dövüyor, çok korkuyorum
artik yasamak istemiyorum, lutfen yardim edin
OĞLUM NEFES ALAMIYOR LÜTFEN ACİL YARDIM""",
    "ku": """
Alîkarî ji min re pêwîst e, diya min ketiye.
Mêrê min li min dixe, ez pir ditirsim
ez naxwazim bijîm, ji kerema xwe alîkariya min bikin
Kurê min nikare nefesê bistîne, ez gelek ditirsim""",
    "nv": """
Shimá bitah honeezgai, shíká adíilwoł.
Shí éí Diné nishłį́, bilagáana bizaad doo shił bééhózin da
T'áá shoodí, shiyeʼ bitah doo hats'íid da, shíká anilyeed
Hastiin dóó asdzą́ą́ hooghandi éí doo hólǫ́ǫ da""",
}

ENGLISH = """
my mom fell and cant get up
He's not breathing, please hurry!!
i took 40 of my seroquel
theres a guy w a knife outside walmart on 16th
can u just send somebody pls
idk what to do anymore tbh
im hiding in the bathroom he's in the house
Ok
lol ok ur funny
help
nah im good
gonna off myself 2nite
We are at 1200 Federal Blvd, apt 4
José María de la Cruz
Nguyen Van Minh
Ursula von der Leyen
Jean-Pierre et Marie
João da Silva dos Santos
Kim Jong and Li Wei are my neighbors
Anh Tran
Łukasz Błaszczyk
Björn Großmann
niÃ±o
La Place du Marché on 5th
Bon appétit
c'est la vie my friend
deja vu all over again
I love ginger ale
I jest
Nyob Zoo
OD OD MI
wowo wo owo w o
my abuela is tired, necesito help
he has an AK and nan is home
she only speaks Hindi
I speak Tagalog and my wife Vietnamese
https://example.com/sie/ist/nicht/und/ich
look at www.das-ist-nicht.de pls
email me at je.suis.la@example.fr
yo wtf bruh
dis dude trippin fr fr no cap
wen u comin ovr
im so ded inside rn
AI does my homework
die die die
the man was so hot in there
pls hlp mi brotha got shot
plz sum1 come qick hes bleding
(ツ) ಠ_ಠ whatever
¯\\_(ツ)_/¯
ლ(ಠ益ಠლ)
👍👍👍
720-555-0123
1
..."""

SPANISH = """
mi mama se cayo y no se puede levantar
no respira, ayuda por favor!!
mi esposo me esta pegando
ya no quiero vivir
me tome todas las pastias
hay un hombre con cuchillo afuera
q hago no se q hacer
ola nesesito alluda porfa
si
sí
hola
hola buenas tardes
ok gracias
nel, toy bien
no manches wey
mi ijo no despierta y esta morado
tengo miedo de el
estoy en la calle Federal con la 38
donde estan
quiero hablar con una persona
mándenme a alguien
pos aki nomas
ta bueno
ayudenme plis
me quiero morir we
mi vieja esta malita
tengo un cuete en la mano
se metieron a la casa
mi niño tiene calentura
ando bien triste
El que da primero, da dos veces.
La medicina cura, la naturaleza sana.
Madre, casadme, aunque sea con un fraile.
Una cosa es una cosa, y otra cosa es otra cosa.
OD OD MI PRIMO ESTA MORADO
es preciso ayudar a mi hermana
oye bro ayudame estoy bien stressed
mi boyfriend me pego anoche
los vecinos estan gritando
mi apa anda tomado
nadie me escucha
amá no contesta el fon
llamé al 911 y nada
no tengo donde dormir
vivo en Río de Janeiro
São Paulo
mi mamà està en el baño
me duele el pecho y el brazo
socorro
mi tía se quiere aventar del puente
veníte ya, che, está sangrando
papa
la yo"""


def lines(text: str) -> list[str]:
    return text.strip().split("\n")


def told(said: str, served: tuple[str, ...] = SERVED) -> str | None:
    found = unread_language(said, KNOWN, served)
    return found.tag if found else None


SENTENCES = [(tag, said) for tag, text in WRITTEN.items() for said in lines(text)]


@pytest.mark.parametrize(("tag", "said"), SENTENCES)
def test_a_language_is_told(tag: str, said: str) -> None:
    assert told(said) == tag


VIETNAMESE_BARE = """
chong em dap vo cua roi, em so qua
ba em bi kho tho va dau nguc
em muon tu tu
cuu em voi, co nguoi cam dao
con toi uong nhieu thuoc lam, no khong tinh
nha em dang chay
toi rat buon va khong muon song nua
chung toi khong co cho ngu toi nay
xin chao toi can noi chuyen voi ai do"""


@pytest.mark.parametrize("said", lines(VIETNAMESE_BARE))
def test_vietnamese_without_its_accents_is_told(said: str) -> None:
    """Many phones write it so; "toi", "can" and "me" are few words of a line."""
    assert told(said) == "vi"


@pytest.mark.parametrize(
    ("tag", "said"),
    [(tag, said) for tag, said in SENTENCES if not BY_TAG[tag].scripts and tag != "nv"],
)
def test_no_language_is_another_without_its_accents(tag: str, said: str) -> None:
    assert told(bare(said)) in (tag, None)


@pytest.mark.parametrize("said", [*lines(ENGLISH), *lines(SPANISH)])
def test_nor_are_english_and_spanish(said: str) -> None:
    assert told(bare(said)) is None


def test_every_language_of_the_file_has_four_sentences_here() -> None:
    assert set(WRITTEN) == {each.tag for each in KNOWN} - {*SERVED, "und"}
    assert all(len(lines(text)) >= 4 for text in WRITTEN.values())


@pytest.mark.parametrize("said", [*lines(ENGLISH), *lines(SPANISH), "", " ", "'", "\u0301"])
def test_english_and_spanish_are_never_doubted(said: str) -> None:
    assert told(said) is None


@pytest.mark.parametrize("key", sorted({key for words in CATALOG.words.values() for key in words}))
def test_our_own_sentences_are_not_doubted(key: str) -> None:
    ours = [words[key] for words in CATALOG.words.values() if key in words]
    assert [told(each) for each in ours] == [None] * len(ours)


@pytest.mark.parametrize("tag", [each.tag for each in KNOWN if each.tag != "und"])
def test_a_line_is_never_taken_for_another_language(tag: str) -> None:
    heard = told(BY_TAG[tag].line, ("es",) if tag == "en" else ("en",))
    assert heard == tag if BY_TAG[tag].scripts else heard in (tag, None)


# ---- scripts -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "script"),
    [
        ("მჭირდება დახმარება", "Georgian"),
        ("මට උදව් අවශ්‍යයි", "Sinhala"),
        ("ང་ལ་རོགས་རམ་དགོས", "Tibetan"),
        ("ᏗᎩᏍᏕᎳ ᎠᏴ", "Cherokee"),
    ],
)
def test_a_script_without_a_line_is_named(said: str, script: str) -> None:
    found = unread_language(said, KNOWN, SERVED)
    assert found is not None
    assert (found.tag, found.name, found.scripts) == ("und", script, (script,))
    assert found.line == "911 and 988 have interpreters."


def test_one_cry_in_another_script_is_enough() -> None:
    cries = {
        "救命": "zh-Hans",
        "помогите": "ru",
        "مساعدة": "ar",
        "도와주세요": "ko",
        "ช่วยด้วย": "th",
        "βοήθεια": "el",
    }
    assert {cry: told(cry) for cry in cries} == cries


@pytest.mark.parametrize(
    "said",
    [
        "ＨＥＬＰ ＭＥ",
        "𝓱𝓮𝓵𝓹 𝓶𝓮",
        "ʜᴇʟᴘ ᴍᴇ",
        "πr2",
        "ΣΑΕ",
        "50 µg",
        "1º 2ª",
        "the sign says 出口",
        "best ramen at ラーメン on Colfax",
        "ㅋㅋㅋ",
    ],
)
def test_signs_and_names_in_other_letters_are_no_language(said: str) -> None:
    assert told(said) is None


def test_letters_are_of_the_script_that_unicode_names() -> None:
    latin, others = "aé", "я字かカ한አက"
    assert [script_of(letter) for letter in latin] == ["Latin", "Latin"]
    assert " ".join(script_of(letter) for letter in others) == (
        "Cyrillic Han Hiragana Katakana Hangul Ethiopic Myanmar"
    )
    assert [script_of(other) for other in "1 !º👍ー\u0301\ue000"] == [""] * 8


# ---- what is served ------------------------------------------------------------------------------
@pytest.mark.parametrize("tag", [tag for tag in WRITTEN if tag != "nv"])
def test_a_served_language_is_never_doubted(tag: str) -> None:
    for said in lines(WRITTEN[tag]):
        assert told(said, ("en", "es", tag)) is None
        assert told(said, ("en", "es", f"{tag.partition('-')[0]}-US")) is None


def test_no_language_of_a_served_script_is_told_by_it() -> None:
    assert told("مجھے مدد چاہیے", ("en", "ar")) is None
    assert told("助けてください、母が倒れました。", ("en", "zh")) == "ja"  # by letters of its own
    assert told("请帮帮我", ("en", "ja")) is None


def test_spanish_is_told_where_it_is_not_served() -> None:
    assert told("mi mama se cayo y no se puede levantar", ("en",)) == "es"
    assert told("my mom fell and she cant get up", ("es",)) == "en"


def test_nothing_is_doubted_where_a_served_language_is_not_in_the_file() -> None:
    assert told("请帮帮我", ("en", "xx")) is None
    assert unread_language("მჭირდება დახმარება", [BY_TAG["en"]], ("en",)) is None


# ---- the file ------------------------------------------------------------------------------------
def test_every_shipped_language_is_in_the_file() -> None:
    assert {path.name for path in folder("translations").iterdir() if path.is_dir()} <= set(BY_TAG)


def test_no_tag_is_written_twice() -> None:
    file = (folder("translations") / "interpreters.toml").read_text(encoding="utf-8")
    assert len(re.findall(r"(?m)^tag *=", file)) == len(KNOWN)


def test_every_line_fits_two_parts_and_names_both_numbers() -> None:
    for each in KNOWN:
        assert len(each.line.encode("utf-16-le")) // 2 <= 134, each.tag
        assert "911" in each.line and "988" in each.line, each.tag
        digits = "".join(letter if letter.isdigit() else " " for letter in each.line)
        assert set(digits.split()) == {"911", "988"}, each.tag


def test_every_line_is_in_the_letters_of_its_language() -> None:
    for each in KNOWN:
        used = {script_of(letter) for letter in each.line} - {""}
        assert used <= set(each.scripts or ("Latin",)), each.tag


def test_no_word_that_tells_a_language_is_english_or_spanish() -> None:
    ours = BY_TAG["en"].words | BY_TAG["es"].words
    for each in KNOWN:
        if each.tag not in (*SERVED, "und") and not each.scripts:
            assert each.words & ours == set(), each.tag
            assert not each.words & set("abcdefghijklmnopqrstuvwxyzáéíóúñü"), each.tag
            assert sum(len(word) > 1 for word in each.words) >= 15, each.tag


# ---- always --------------------------------------------------------------------------------------
@given(st.text())
def test_any_text_gets_an_answer(said: str) -> None:
    found = unread_language(said, KNOWN, SERVED)
    assert found is None or found.tag not in SERVED


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", max_size=20))
def test_a_single_word_in_latin_letters_is_never_a_language(said: str) -> None:
    assert told(said) is None


def test_words_are_kept_with_their_accents() -> None:
    assert normal_words("J’ai 2 ENFANTS, İyi 'ok' asdzą́ą́") == [
        "j'ai",
        "enfants",
        "iyi",
        "ok",
        "asdzą́ą́",
    ]
    assert normal_words("می‌خواهم") == ["میخواهم"]


def test_a_line_is_not_shown_where_the_language_is_logged() -> None:
    assert BY_TAG["vi"].line not in repr(BY_TAG["vi"])
