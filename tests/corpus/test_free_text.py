"""How many dangers are heard in free text, and how many ordinary texts are taken for one
(docs/free-text.md, rule 7).

The kept half was written by a reader who had not seen the words, before they were chosen. These
floors are what was reached, a little below; they hold the words from getting worse. They are no
aim: the aim is 90 % and 3 %.
"""

from __future__ import annotations

from itertools import chain, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caller_service.core.combinations import Combinations, Lexicon
from caller_service.core.spelling import sentences
from caller_service.core.vocabulary import normal
from caller_service.language.lexicons import read_combinations

CORPUS = Path(__file__).parent
FLOORS = {
    "danger_written": 0.97, "danger_kept": 0.88, "ordinary_written": 0.03, "ordinary_kept": 0.07,
    "danger_fresh": 0.84, "ordinary_fresh": 0.06, "danger_hard": 0.77, "ordinary_hard": 0.14,
}  # fmt: skip
# one language is below what the other reaches
ENGLISH = FLOORS | {
    "danger_kept": 0.91, "ordinary_kept": 0.06, "danger_fresh": 0.93, "ordinary_fresh": 0.055,
    "danger_hard": 0.78, "ordinary_hard": 0.13, "danger_control": 0.83, "ordinary_control": 0.03,
}  # fmt: skip
SPANISH = FLOORS | {
    "danger_kept": 0.96, "ordinary_written": 0.015, "ordinary_kept": 0.05, "danger_fresh": 0.87,
    "ordinary_fresh": 0.05, "danger_hard": 0.79, "ordinary_hard": 0.11, "danger_control": 0.9,
    "ordinary_control": 0.035,
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "name"), [("en", name) for name in ENGLISH] + [("es", name) for name in SPANISH]
)
def test_the_words_hear_as_much_as_they_did(name: str, language: str) -> None:
    lines = (CORPUS / language / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    raised = sum(
        bool(read_combinations().dangers(line.partition("\t")[2])) for line in lines
    ) / len(lines)

    floor = (ENGLISH if language == "en" else SPANISH)[name]
    assert raised >= floor if name.startswith("danger") else raised <= floor, f"{raised:.3f}"


def test_both_languages_are_read_in_one_sentence() -> None:
    for said in ("mi hermana se tomó all the pills", "my dad le está pegando a mi mamá"):
        assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said", ["i did it", "I did it already", "its done", "i already took them", "i took them all"]
)
def test_a_bare_confirmation_is_heard_as_an_attempt(said: str) -> None:
    assert "attempt" in read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said", ["i did it, i passed", "its done, the form is sent", "i took them to school"]
)
def test_what_was_done_is_not_an_attempt_when_it_is_named(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "beside",
    [
        "soy maestra", "soy enfermera", "por si acaso", "desde hace un año", "desde hace dos meses",
        "no es broma", "gracias",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "said",
    [
        "mi esposo me pega", "se tomó todas las pastillas", "no respira", "me quiero morir",
        "tiene una pistola en la mano", "está parado en el puente",
    ],
)  # fmt: skip
def test_a_trade_a_duration_or_thanks_hide_no_danger(said: str, beside: str) -> None:
    assert read_combinations().kinds(normal(f"{said}, {beside}"))
    assert read_combinations().kinds(normal(f"{beside}, {said}"))


HARMLESS = (
    "thank god someone answered", "thanks for answering", "im a nurse", "i work at a store",
    "at the concert", "im in the movie theater", "at the football game", "at church", "at the gym",
    "at the party", "at the clinic", "at the wedding", "it happened at the baby shower",
    "for two years now", "he was in the army", "i was watching tv when",
    "i was watching a movie and", "we were playing cards and", "its so hot out today",
    "hi good morning", "this is not a joke", "swear to god", "i have a job interview tomorrow",
    "i go to therapy", "i dont have insurance", "im on medicaid", "the doctor said to wait",
    "i got your number from my therapist", "he got arrested last year",
    "can i get a wellness check", "im the landlord", "in the school bathroom", "at my job",
)  # fmt: skip


@pytest.mark.parametrize("beside", HARMLESS)
@pytest.mark.parametrize(
    "said",
    [
        "he has a gun", "my husband has a knife", "theres a shooter", "he is beating me",
        "my boyfriend is choking me", "my dad is hitting my mom", "she is unconscious",
        "he isnt breathing", "my son is having a seizure", "i want to kill myself",
        "my ex is threatening to kill me", "my sister wants to kill herself",
    ],
)  # fmt: skip
def test_a_plain_danger_is_heard_beside_whatever_is_harmless(said: str, beside: str) -> None:
    """Thanks, a job, a place or a time beside it say nothing about it."""
    assert read_combinations().kinds(normal(f"{said}. {beside}"))
    assert read_combinations().kinds(normal(f"{beside}, {said}"))


@pytest.mark.parametrize("did", ["is beating me", "is choking me", "has a gun", "is choking"])
@pytest.mark.parametrize(
    "who",
    [
        "my landlord", "my manager", "my boss", "my coworker", "my roommate", "my coach",
        "my pastor", "my uber driver", "a customer", "my client", "the cashier",
        "the guy upstairs", "the neighbor lady", "my supervisor", "the nanny", "my caregiver",
        "the janitor", "my teammate", "the bartender", "my sponsor", "my therapist",
        "the principal", "my housemate", "a homeless man",
    ],
)  # fmt: skip
def test_anybody_can_hurt_and_be_hurt(who: str, did: str) -> None:
    assert read_combinations().kinds(normal(f"{who} {did}"))


HARMLESS_SPANISH = (
    "gracias a dios alguien contesta", "gracias por contestar", "soy enfermera", "soy cocinero",
    "trabajo de noche", "en el cine", "en el concierto", "en el partido de futbol", "en la boda",
    "estuvo en el ejército", "estaba viendo la tele y", "estábamos jugando cartas y",
    "hace mucho frío", "tengo entrevista mañana", "voy a terapia", "estoy en medicaid",
    "está en tratamiento", "la policía vino el año pasado", "nos casamos hace 5 años",
    "salió del hospital la semana pasada", "desde el año pasado", "mi perro está ladrando",
)  # fmt: skip


@pytest.mark.parametrize("beside", HARMLESS_SPANISH)
@pytest.mark.parametrize(
    "said",
    [
        "mi esposo tiene una pistola", "mi hermana trae un cuchillo", "me está pegando",
        "mi hijo se quiere matar", "mi ex dice que me va a matar", "mi papá no respira",
        "mi mamá está convulsionando", "está disparando", "mi novio no me deja salir de la casa",
        "hay un incendio en el edificio", "me quiero morir",
    ],
)  # fmt: skip
def test_a_plain_spanish_danger_is_heard_beside_whatever_is_harmless(
    said: str, beside: str
) -> None:
    assert read_combinations().kinds(normal(f"{said}. {beside}"))
    assert read_combinations().kinds(normal(f"{beside}, {said}"))


@pytest.mark.parametrize(
    "did",
    [
        "me pegó", "sacó un machete", "no despierta", "tuvo un infarto", "se metió a mi casa",
        "no me deja salir", "se está ahogando",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "who",
    [
        "mi compañero de trabajo", "el landlord", "el plomero", "la enfermera", "mi maestra",
        "el casero", "el manager", "mi entrenador", "mi comadre", "mi cuñada", "el repartidor",
        "un homeless", "la vecina de abajo", "el vecino del 3",
    ],
)  # fmt: skip
def test_anybody_can_hurt_and_be_hurt_in_spanish(who: str, did: str) -> None:
    assert read_combinations().kinds(normal(f"{who} {did}"))


@pytest.mark.parametrize(
    "said",
    [
        "me quiero matar, reprobé el examen", "me quiero matar por el trabajo",
        "mi esposo me va a matar, tengo miedo, mañana es el examen de mi hija",
    ],
)  # fmt: skip
def test_an_exam_or_a_job_nearby_makes_no_figure_of_speech(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "mi jefe me va a matar si llego tarde", "el guardia de la clínica trae pistola",
        "en la película él tiene una pistola", "mi compu no reacciona", "mi perro se desmayó",
        "la calor me está pegando duro", "saco la navaja pa abrir cajas", "se me colgó el celular",
        "hay humo por los incendios del norte", "mi hermano es guardia y trae arma en su trabajo",
        "mi tío ve películas de balazos",
    ],
)  # fmt: skip
def test_a_spanish_story_thing_or_trade_is_still_none(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "said",
    [
        "he got arrested last year but he is beating me", "the doctor said its nothing but she collapsed",
        "last year he was sorry but he hit me", "at the concert someone got stabbed",
        "they are shooting at us", "my brother od'd",
    ],
)  # fmt: skip
def test_what_comes_behind_a_but_is_no_old_story(said: str) -> None:
    assert read_combinations().kinds(normal(said))


@pytest.mark.parametrize(
    "said",
    [
        "my boss is killing me", "in the movie he is choking her", "my sister overdosed in 2017",
        "they are shooting a movie downtown", "he has a gun safe", "my dad is beating me at chess",
        "he got shot in korea", "my coach is going to kill me lol", "work is killing me",
    ],
)  # fmt: skip
def test_a_story_or_a_figure_of_speech_is_still_none(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "said",
    [
        "me acabo de cortar", "se me quitaron las ganas de vivir", "si me encuentra me mata",
        "mi abuela amanecio sin poder hablar", "ya no se cuantas pastillas me tome",
        "la corriente se lo lleva", "hay un tipo armado en el parque",
    ],
)  # fmt: skip
def test_everyday_spanish_words_tell_of_danger(said: str) -> None:
    assert read_combinations().kinds(normal(said))


@pytest.mark.parametrize(
    "said",
    [
        "me negaron el medicaid", "se me reventó la llanta", "la dentadura me lastima",
        "no quiero seguir con esta terapeuta", "a mi hijo le toca la vacuna", "ese gol me mató",
        "nadie está herido, fue puro grito", "anoche tomé de más y hoy tengo cruda",
    ],
)  # fmt: skip
def test_everyday_spanish_words_tell_of_no_danger(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == ()


@pytest.mark.parametrize(
    "said",
    [
        "oigo pasos en la cocina y estoy sola", "hay un desconocido adentro de mi casa",
        "dios le ordenó sacrificar a su hija", "las sombras me dicen que brinque",
        "ya se le ve la cabecita al bebé", "tiene contracciones cada tres minutos",
        "di a luz hace cinco días y empapo una toalla cada media hora",
        "al niño no le baja la calentura y está temblando", "le dio insolación y mi papá ya no habla",
        "mi niña tiene sangre en el calzón", "su padrastro lo encadena",
        "un tipo se llevó a mi hija", "salió a pescar ayer y no ha regresado mi tío",
        "me empujaron de la troca", "se oye que golpean a una señora", "auxilio",
        "mi hijo encontró la pistola y anda jugando", "quedaron encerrados en el freezer",
        "el tanque está tirando gas", "ando viendo de dónde colgarme", "no puedo parar de cortarme",
        "quiero dejar de existir", "los cholos vienen a buscar a mi hermano",
        "a mi primo lo mandaron matar", "va a balacear la prepa",
        "ahí viene mi esposo borracho, tengo miedo", "mi vecina está amarrada",
        "mi esposo me está ahorcando en el jardín", "lo apuñalaron en la milpa",
    ],
)  # fmt: skip
def test_kinds_of_danger_that_no_spanish_list_held(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "oigo ruidos en el techo, son ardillas", "estuve en un simulacro en la escuela",
        "mi hija juega con su pistola de agua", "curso de primeros auxilios",
        "me despedí de todos mis compañeros del trabajo", "tengo contracciones falsas",
        "tomé la decisión de cambiar de trabajo", "mi papá salió a pescar y le fue bien",
        "quedé encerrado en el elevador diez minutos, ya salí",
        "me corté el flequillo", "mi hijo está en paro desde mayo", "el dólar nos va a matar",
        "se me hinchan los pies", "se cayó sentadito y se rio",
    ],
)  # fmt: skip
def test_what_sounds_like_these_kinds_and_is_none(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "verb",
    [
        ("golpear", "golpeando"), ("ahorcar", "ahorcando"), ("patear", "pateando"),
        ("amarrar", "amarrando"), ("violar", "violando"), ("perseguir", "persiguiendo"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "form",
    [
        "mi esposo no deja de {}me", "mi esposo no para de {}nos", "mi esposo acaba de {}me",
        "mi esposo volvió a {}me", "mi esposo me empezó a {}", "mi ex es capaz de {}me",
        "mi tío está a punto de {}la", "mi tío la quiere {}", "mi tío trató de {}lo",
        "va a {} a mi hermana", "mi esposo anda {}me|", "mi tío sigue {}la|",
        "unos hombres lo están {}|",
    ],
)  # fmt: skip
def test_a_spanish_danger_is_heard_in_every_form_of_its_verb(
    form: str, verb: tuple[str, str]
) -> None:
    said = form.rstrip("|").format(verb[form.endswith("|")])
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "fue apuñalado un muchacho", "lo encontré golpeado", "mi esposo me ha golpeado",
        "mi tío se acaba de desmayar", "mi niña empezó a ahogarse con comida",
        "no logro despertarlo", "estoy colgándome", "mi hermana está aventándose del balcón",
        "mi esposo me está matando", "unos hombres están matándola",
        "me graban y me amenazan con subirlo si no hago lo que quieren",
        "trabajo en la pizca y mi compañero se desmayó", "no mames, tiene una pistola",
    ],
)  # fmt: skip
def test_a_spanish_danger_is_heard_as_done_or_suffered(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "el landlord me está amenazando con subir la renta", "nunca me ha golpeado",
        "mi vieja me va a ahorcar si no llevo los pañales", "mi jefe me está matando de trabajo",
        "me sigue pegando la gripa", "la ansiedad me está atacando",
        "me persigue la culpa", "nunca he volado", "atienden casos de violencia doméstica",
        "mi hermano quiere entrar a un programa", "me quiero ir de este pueblo, no hay trabajo",
        "sobreviví al cáncer", "se dispararon los precios", "¿cuántas pastillas me tocan al día?",
        "mi papá nos pegaba cuando niños",
    ],
)  # fmt: skip
def test_what_has_the_form_of_a_spanish_danger_and_is_none(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "said",
    [
        "me quiero matal", "no quiero vivil mas", "se va a tiral del puente", "ba a matarme",
        "mi papá ta muelto", "yeva una pistola", "mi esposo me a pegado", "me tiene amenasada",
        "hay un shooter en la escuela", "le metieron plomo", "se pasonaron los dos en el baño",
        "le dio un patatús a mi abuela", "my son esta en el roof y se quiere jump",
        "mi husband me ta pegando", "i want to matarme",
    ],
)  # fmt: skip
def test_spanish_is_heard_as_it_is_spoken_and_mixed(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "le están cayendo a piñazos", "mi vecino la está fajando a trompadas",
        "mi tío le da con la manguera", "me cayeron tres encima y me patean",
        "están dando golpes en la puerta y gritan mi nombre", "no sé a dónde me llevan",
        "nos tienen en una finca bajo llave", "tienen a mi nieta, se oye llorando",
        "un señor de tiktok se llevó a mi prima de trece", "se mete de noche al cuarto de las niñas",
        "el mismo carro dobla donde doblo y no se quita", "si no les pago hoy me queman",
        "los mareros ya saben dónde vivo", "su papá le mete la mano por los calzones",
        "cogió candela la cortina", "reventó la bombona de gas", "la caja de la luz echa humo",
        "el montacargas le cayó encima a mi compañero", "el molino me jaló la mano",
        "se la ha llevado la corriente", "la lancha se nos volteó", "nos llega el agua al cuello",
        "se fue la luz y mi papá depende del oxígeno", "viene guiando bien jumo con la nena",
        "se le viró la boca", "le dio un corrientazo y cayó", "se me cierra el pecho",
        "mi bebé de dos meses tiene 39", "no orina desde ayer y está confundida",
        "la pierna está negra, huele mal y tiene fiebre", "se bebió la lavandina",
        "nos gasearon y hay gente vomitando", "lo hallé tieso con la jeringa",
        "me largo de este mundo", "esta noche me quito del medio", "amarró la sábana a la litera",
        "la bebé no es mía, la cambiaron, quiero devolverla al río", "le voy a dar tres plomazos",
        "anda con un chopo amenazando", "bajó la escopeta del armario",
        "ojalá me parta un rayo hoy", "la soga me llama", "los cuido desde el cielo, adiós",
        "regalé mis aretes, ya no los necesito", "quemé mis diarios y borré mis redes",
        "cuando abran mi cuarto perdónenme", "solo pido tener el valor", "debí morirme yo",
    ],
)  # fmt: skip
def test_spanish_dangers_are_heard_as_each_country_says_them(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "me dieron una paliza en el dominó", "la orquesta metió candela anoche",
        "prendí la candela para el arroz", "la máquina de coser me agarró el hilo",
        "mi novio me llevó a un hotel bonito por mi cumpleaños", "mi hija de quince quiere fiesta",
        "le puse crema en la colita a la bebé", "el tío juega con los niños en el parque",
        "mi papá usa oxígeno de noche y duerme mejor", "voy guiando para el trabajo",
        "se me cayó la cara de vergüenza", "el doctor me dio hierro para la anemia",
        "ya tengo todo listo para la mudanza", "colgué la hamaca del árbol",
        "un carro pegado al mío me rayó la puerta", "me voy de este pueblo, no hay trabajo",
        "que Dios me los bendiga", "se me ha caído el móvil", "ladra un perro y no me deja dormir",
        "no me esperen a cenar", "ojalá me den el trabajo", "le di mi gato a mi hermana",
        "borré mi facebook porque me cansa la gente", "solo pido que sea rápido el trámite",
    ],
)  # fmt: skip
def test_the_same_words_on_a_day_without_danger_are_none(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


def test_what_is_told_of_hides_a_danger_far_around_it() -> None:
    words = {"hits": ("hit",), "me": ("me",), "telling": ("chess",)}
    heard = Combinations([Lexicon(words, {"dangers": (("violence", "even: <hits> <me>"),)})])

    assert heard.kinds(normal("he hit me at the house last night")) == ("violence",)
    assert heard.kinds(normal("he hit me at the house last night, at chess i mean")) == ()


def test_what_sounds_settled_hides_one_sign_but_not_three() -> None:
    """A threat beside "as prescribed" or "years ago" may be told of; one that is said in every way
    is happening, and so is one with a word of now, or behind a "but". Signs that begin with "even:"
    are always heard."""
    words = {
        "hits": ("hit",), "me": ("me",), "knife": ("knife",), "bleeds": ("bleeding",),
        "pulse": ("pulse",), "settled": ("told it in therapy", "last year", "fine now"),
        "present": ("now", "again"), "contrast": ("but",),
        "denial": ("never",), "distant": ("used to",),
    }  # fmt: skip
    signs = (
        ("violence", "<hits> <me>"), ("weapon", "<knife>"), ("breathing", "<bleeds>"),
        ("breathing", "even: no <pulse>"),
    )  # fmt: skip
    heard = Combinations([Lexicon(words, {"dangers": signs})])

    assert heard.kinds(normal("he hit me")) == ("violence",)
    assert heard.kinds(normal("he hit me last year")) == ()
    assert heard.kinds(normal("i told it in therapy that he hit me and has a knife")) == ()
    assert heard.kinds(normal("i told it in therapy he hit me he has a knife im bleeding")) == (
        "violence", "weapon", "breathing",
    )  # fmt: skip
    assert heard.kinds(normal("no pulse, i told it in therapy")) == ("breathing",)
    for said in (
        "he is fine now but he hit me", "he hit me last year and again", "last year but he hit me",
    ):  # fmt: skip
        assert heard.kinds(normal(said)) == ("violence",), said
    for said in ("he hit me but he is fine now", "he is fine now, he hit me"):
        assert heard.kinds(normal(said)) == (), said
    far = "he hit me and he is here in the house with all of us and the baby too. it was last year"
    assert heard.kinds(normal(far)) == ("violence",)


@pytest.mark.parametrize(
    "said",
    [
        "thanks for answering. i took the whole bottle", "im at the clinic and a man has a gun",
        "my sponsor is od'ing", "my coworker passed out", "at work a man collapsed",
        "my therapist raped me", "my sponsor raped me last week", "he says hes fine but he has a gun",
        "restraining order didnt stop him hes here", "my job fired me so im going to jump",
        "he hit me last week and he will do it again tonight",
    ],
)  # fmt: skip
def test_neither_thanks_nor_a_place_of_care_settles_anything(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "i want to commit suicide", "my brother says he wants to commit suicide",
        "my mom is throwing up blood", "im going to set myself on fire tonight",
        "theres a man chasing a woman outside", "he got crushed by a machine",
        "the thoughts are winning", "once the kids are asleep ill do it", "the rope fits",
        "i scheduled my goodbye posts", "talk me out of it", "i envy the dead",
        "my boss put his hands down my pants", "my dog bit her face and wont let go",
        "shes off her meds and wants to hurt the kids",
    ],
)  # fmt: skip
def test_what_is_said_outright_was_struck_out_or_listed_nowhere(said: str) -> None:
    """Idioms ("throwing up", "on fire tonight") and statistics ("commit") hid plain words."""
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "my parents wont let me go to prom and i hate them", "he quit drinking 30 days ago!",
        "my english teacher is shooting down all my ideas", "day 40 no self harm",
        "i got a C in chem and my mom is gonna murder me lol", "my son lost his job",
        "client had a suicide attempt two years ago, currently in therapy and stable",
        "husband work night, i alone with kids, very tired", "i stabbed myself with a stapler",
        "my daughter threatens to run away when i take her phone",
    ],
)  # fmt: skip
def test_what_is_over_or_no_danger_is_not_raised(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "said",
    [
        "two strays have a boy cornered", "a rattlesnake bit my wife", "the forklift tipped on him",
        "the trench caved in", "the space heater exploded", "theres a kid on the water tower",
        "he was kicked by a horse", "they left my disabled brother on the porch all day",
        "the current is pulling her out", "wrong way driver on the parkway",
        "my daughter ran off with a man she met online", "the uber driver is nodding off",
        "shes off her meds and ran out naked", "her sleeve got caught in the conveyor",
        "someone kneeling in the fast lane", "the nursing home forgot grandma in a hot van",
        "a downed wire is on the school bus", "he let go of the wheel on the freeway",
        "shes 14 and left with some guy", "dads kayak came back empty", "the driver is trapped",
        "a boy is stuck in the culvert", "hes wading into the lake in his coat crying",
    ],
)  # fmt: skip
def test_what_befalls_people_outdoors_and_at_work_is_heard(said: str) -> None:
    """Animals, machines, water, roads, minds that tell somebody to do harm: each a field."""
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "my cat bit me playing, tiny mark", "my sons kite drifted out over the lake",
        "my toddler took all his clothes off again in the yard lol",
        "my climbing partner moved to denver", "dancing in the street at the block party",
        "he thinks he is a god at golf", "my husband is under the truck changing oil",
        "guy on the roof fixing the antenna woke me up", "shocked to hear my friend is pregnant",
        "the tide took our sandcastle", "elevator is out, i use a wheelchair",
    ],
)  # fmt: skip
def test_the_same_words_of_a_day_without_danger_are_not(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "said",
    [
        "he has my sister in a headlock", "they keep him locked in the shed",
        "the boss has our passports and we cant leave", "the door wont hold",
        "someone is under my bed", "my ex is in my kitchen and wont leave",
        "sleep with me or hell throw us out", "hell post my nudes unless i come over",
        "pretend youre the pizza place", "only ask yes or no he can see me typing",
        "she held his hand on the stove", "if he cant have me nobody will",
        "he says he will take all of us out", "he slammed the dog into the wall",
        "some guys dragged my friend into a van", "i kept saying no and he kept going",
        "the grandson keeps pulling her oxygen off", "theyre smashing his head into the curb",
        "hes drilling my lock out", "he poured bleach on me",
        "god is telling him to sacrifice our son", "hes hacking through the bedroom door",
        "he shoved grandma into the dresser", "he threw my walker in the yard so i cant get up",
        "a girl handed me a note that says please call police",
    ],
)  # fmt: skip
def test_violence_is_heard_by_its_kinds(said: str) -> None:
    """Held, shut in, blackmailed, sold, heard over the shoulder, threatened without "kill"."""
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "he has me in a good mood", "they have my brother on the ground floor unit",
        "locked my kid out of my phone", "my ex was in my apartment to get his boxes",
        "pretend youre the boss, practice interview with me",
        "can i answer yes or no to these", "my brother killed the dogs fleas",
        "my husband wants to finish this puzzle tonight", "footsteps in the hall all day, thin walls",
        "they pay him to sleep in a study", "my aunt sent me a picture of my kids at the fair",
    ],
)  # fmt: skip
def test_what_sounds_like_violence_by_a_word_is_not(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "said",
    [
        "help gun", "a gunman is in the store", "they took the teller hostage",
        "my son grabbed the meat cleaver and wont put it down", "he got a blick on him",
        "theres a red dot on my chest", "he shot up our tv", "the boys have bats and are waiting",
        "hes shooting in the air and yelling", "a knife is sticking out of his leg",
        "he has a piece of the mirror to her throat", "somebody threw a molotov",
        "he held a lighter to her hair", "a man with a rifle is parked across from the school",
    ],
)  # fmt: skip
def test_arms_are_heard_by_what_is_done_with_them(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "he wont put the phone down", "grabbed a hammer and fixed the chair for mom",
        "we were shooting cans in the yard at camp", "laser on my face for acne",
        "my husband shot the door for the listing photos", "spinning the wheel on my birthday",
        "used a saw on my tree", "the show is about hostages",
    ],
)  # fmt: skip
def test_tools_and_pictures_are_no_arms(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


def test_terms_stand_in_order_unless_they_may_stand_in_any() -> None:
    words = {
        "take": ("took", "swallow+"),
        "pill": ("pill", "pills"),
        "denial": ("never",),
        "distant": ("used to",),
    }
    heard = Combinations(
        [
            Lexicon(
                words,
                {"dangers": (("overdose", "<take> <pill>"), ("gone", "any: <pill> gone"))},
                ("took my pill",),
            )
        ]
    )

    assert heard.kinds(normal("she took the pills")) == ("overdose",)
    assert heard.kinds(normal("she swallowed them, the pills")) == ("overdose",)
    assert heard.kinds(normal("pills she took")) == ()
    assert heard.kinds(normal("gone, all his pills")) == ("gone",)
    assert (
        heard.kinds(normal("she never took pills"))
        == ()
        == heard.kinds(normal("he used to say he took pills"))
    )
    assert heard.kinds(normal("i took my pill")) == (), "a harmless phrase is struck out"
    assert heard.kinds(normal("she took the pillls")) == ("overdose",), "with a slip of the thumb"


def test_a_combination_that_names_no_class_is_refused() -> None:
    with pytest.raises(ValueError, match="no class is called 'nothing'"):
        Combinations([Lexicon({}, {"dangers": (("overdose", "<nothing>"),)})])


def test_a_form_may_be_made_of_classes_choices_and_what_may_be_left_out() -> None:
    words = {
        "who": ("he", "she"),
        "hits": ("<who> (is|keeps)? hitting",),
        "me": ("me",),
        "denial": ("never",),
        "distant": ("used to",),
    }
    heard = Combinations(
        [
            Lexicon(words, {"dangers": (("violence", "<hits> <me> !!<who_plays>"),)}),
            Lexicon({"who_plays": ("chess",)}),
        ]
    )

    for said in ("he is hitting me", "she keeps hitting me", "he hitting me"):
        assert heard.kinds(normal(said)) == ("violence",), said
    assert (
        heard.kinds(normal("he hits me"))
        == ()
        == heard.kinds(normal("he keeps hitting me and laughs, at chess"))
    )


def test_a_number_may_have_a_most_and_a_spelling_is_read_as_it_is_meant() -> None:
    lexicon = Lexicon(
        {"pills": ("pills",), "took": ("took",)},
        {"dangers": (("overdose", "<took> #6-40 <pills>"),)},
        spellings={"took": ("tuk",)},
    )
    heard = Combinations([lexicon, Lexicon({"denial": ("never",), "distant": ("used to",)})])

    assert heard.kinds(normal("i tuk 20 pills")) == ("overdose",)
    assert heard.kinds(normal("i took 5 pills")) == () == heard.kinds(normal("i took 2000 pills"))


BESIDE = (
    ("i dont want to be here", "i never asked for this", "i no longer care", "she never listens",
     "i havent slept", "it happened before", "my ex left me last year", "he used to be nice"),
    ("nadie me ayuda", "nunca pedí esto", "no tengo a nadie", "mi ex me dejó el año pasado",
     "terminamos hace mucho", "nadie viene", "ella nunca escucha", "ya pasó antes"),
)  # fmt: skip
PLAIN = (
    ("i wanna kill myself", "he is going to kill me", "i took a whole bottle of tylenol",
     "i cut my wrists", "she took all her pills", "im bleeding a lot", "he is choking me"),
    ("me voy a matar", "me tomé un frasco de tylenol", "estoy parada en la azotea",
     "se tomó todas las pastillas", "tiene una pistola", "me corté las venas", "no respira"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("beside", "danger"),
    [
        pair
        for others, dangers in zip(BESIDE, PLAIN, strict=True)
        for pair in product(others, dangers)
    ],
)
def test_what_one_sentence_denies_or_dates_is_not_in_another(beside: str, danger: str) -> None:
    for text in (
        f"{beside}. {danger}",
        f"{danger.capitalize()}! {beside}...",
        f"{beside}\n{danger}",
    ):
        assert read_combinations().dangers(text), text


EARLIER = (
    ("beating eggs for the cake", "dropped the soap lol", "the landlord ignores the ceiling",
     "my neighbor hunts", "just walking my dog", "i am following up on my application",
     "the game just ended", "hungry but ok til dinner at the church", "your web site is slow"),
    ("ya comimos gracias", "estoy en la clase de inglés", "el partido ya terminó", "vivo con mi tía",
     "quiero saber del horario", "soy cocinero", "mañana tengo cita con el doctor"),
)  # fmt: skip
NEWS = (
    ("theres someone in my house", "a man is on the ledge", "he locked me in", "he shot my cousin",
     "my car went off the road im upside down", "he sat on my chest and covered my mouth"),
    ("hay alguien en mi casa", "me tiene encerrada", "le disparó a mi primo", "no despierta",
     "se tiró del puente", "me está ahorcando"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("earlier", "news"),
    [pair for others, news in zip(EARLIER, NEWS, strict=True) for pair in product(others, news)],
)
def test_an_earlier_sentence_hides_no_danger(earlier: str, news: str) -> None:
    """A later one may explain what was said: "he hit me. with a pillow lol"."""
    assert read_combinations().dangers(f"{earlier}. {news}")


@given(st.text(st.one_of(st.sampled_from("aé1 .!?;…\n¿'😭\u0301"), st.characters()), max_size=60))
def test_the_sentences_of_a_text_hold_its_words(text: str) -> None:
    assert tuple(chain.from_iterable(sentences(text))) == normal(text)


def test_a_denial_and_the_past_hide_what_stands_in_their_own_sentence() -> None:
    for text in (
        "i would never take pills. just tired", "he hit me years ago. we are ok",
        "nunca me quise matar. estoy cansada", "not going to kill myself. promise",
    ):  # fmt: skip
        assert not read_combinations().dangers(text), text


@pytest.mark.parametrize(
    "text",
    [
        "i dont want to be here i wanna kill myself", "i havent slept he hit me",
        "i no longer care i cut my wrists", "he has never been this bad he has a knife",
        "i would never call but he broke in",
        "nadie me ayuda me tomé un frasco de tylenol", "no tengo a nadie, me voy a matar",
        "nunca lo había visto así y tiene una pistola", "no me contesta nadie se desmayó",
        "no quiero molestar a nadie me quiero matar", "no le digan a nadie, mi tío me toca",
        "no voy a mentir mi papá tiene una pistola", "no he hecho nada malo me quieren matar",
        "jamás pensé escribir esto, me voy a matar", "para nada bien hay un tiroteo",
    ],
)  # fmt: skip
def test_a_denial_that_is_over_denies_nothing_behind_it(text: str) -> None:
    """Written without a full stop, as most are."""
    assert read_combinations().dangers(text)


@pytest.mark.parametrize(
    "text",
    ["i have never hit her", "i would never take pills", "nunca toma pastillas", "nadie tiene una pistola",
     "he has never hit me", "i would never hurt myself", "no one here has a gun", "nadie se quiere matar",
     "no voy a matarme", "nunca pensé en matarme", "no quiero lastimar a nadie", "no he hecho nada",
     "para nada, no me quiero morir"],
)  # fmt: skip
def test_a_denial_denies_what_follows_it(text: str) -> None:
    assert not read_combinations().dangers(text)


def test_where_no_danger_is_found_the_words_are_read_once_more_loosely() -> None:
    lexicon = Lexicon(
        {"kill": ("kill",), "me": ("the myself",), "calm": ("um",)},
        {"dangers": (("suicide", "<kill> <me>"), ("unsafe", "<calm> kill"))},
        looser={"the": ("da", "teh"), "": ("um", "you know")},
        joined=frozenset({"myself"}),
        lookalikes=frozenset({"killthe"}),
    )
    heard = Combinations([lexicon, Lexicon({"denial": ("never",), "distant": ("used to",)})])

    for said in (
        "kill da myself", "kill um teh you know myself", "kill \N{CRYING FACE} the myself",
        "kill themyself",
    ):  # fmt: skip
        assert heard.kinds(normal(said)) == ("suicide",), said
    assert heard.kinds(normal("um kill da myself")) == ("unsafe",), "what is written comes first"
    for said in ("killthe myself", "kill theother myself", "um"):
        assert heard.kinds(normal(said)) == (), said


@pytest.mark.parametrize(
    "said",
    [
        "he shot da tv n said da next ones 4 me", "i smacked da baby i cant calm down",
        "my uncle said if um i scream hell do it to uh my sister", "i dont want 2 b here. i wanna killmyself",
        "hehas a gun", "he \N{CRYING FACE} poured hot coffee \N{CRYING FACE} on me",
        "im literally gonna basically off honestly myself", "my baby isnotbreathing",
        "stepmom makes me kneel on rice n whips me w da cable", "he is gonna kill 😔 myself n da kids",
        "mequiero matar", "me tomé este pues todas las 😭 pastillas", "notiene pulso", "she took hte pilsl all of thme",
        "he sohtt the tv and said hell shoot me", "im gonna kill mysefl", "ya me toem todas las pastillas",
    ],
)  # fmt: skip
def test_signs_fillers_and_joined_words_hide_no_danger(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "um can u call me at 4 pls", "solo quería desahogarme con alguien", "i got 2 go 2 work n i need a ride",
        "pensé que no respiraba pero nomás estaba dormido", "todavía me da miedo salir",
        "Mr. Peterson's fixing the antenna, harness and all", "omg literally so tired 😭 lol",
        "talking 2 my mom on the earpiece in the park", "me da pena 😔 pedir comida",
    ],
)  # fmt: skip
def test_what_is_read_loosely_raises_nothing_ordinary(said: str) -> None:
    assert not read_combinations().kinds(normal(said)), said


def test_what_is_long_past_does_not_hide_what_is_said_of_now() -> None:
    words = {
        "hits": ("hit",),
        "me": ("me",),
        "denial": ("never",),
        "distant": ("years ago",),
        "present": ("again tonight",),
    }
    heard = Combinations([Lexicon(words, {"dangers": (("violence", "<hits> <me>"),)})])

    assert heard.kinds(normal("he hit me years ago")) == ()
    assert heard.kinds(normal("he hit me years ago and again tonight")) == ("violence",)


def test_a_class_that_is_made_of_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="made of itself"):
        Combinations(
            [
                Lexicon(
                    {
                        "a": ("<b> x (1|2|3|4|5|6|7|8|9|10|11)",),
                        "b": ("<a> y (1|2|3|4|5|6|7|8|9|10|11)",),
                    }
                )
            ]
        )


def test_a_farewell_is_harmless_only_with_a_word_of_coming_home() -> None:
    """A choice inside a choice was split in its middle: any "be", "coming" or "headed" was a word
    of coming home."""
    for said in (
        "love you all, headed to the bridge",
        "tell my mom i love her. the end is coming",
    ):
        assert "suicide" in read_combinations().kinds(normal(said)), said
    for said in ("tell the kids i love them, ill be home soon", "love you, see you tomorrow"):
        assert not read_combinations().kinds(normal(said)), said


def test_who_is_not_to_be_answered_may_be_somebody_else() -> None:
    for said in ("dont answer him", "dont answer the door", "dont answer to the light"):
        assert "watched" not in read_combinations().kinds(normal(said), "wishes"), said
    for said in (
        "dont answer", "dont respond his gun is out", "dont answer if he texts",
        "dont reply anymore", "please dont answer her dad is here",
    ):  # fmt: skip
        assert "watched" in read_combinations().kinds(normal(said), "wishes"), said


@pytest.mark.parametrize(
    "said",
    [
        "he will kill me if i dont", "hell shoot us if we don't", "hes gonna stab me unless i",
        "my brother will kill me if i cant please", "she said shell hurt me if", "if i scream he will",
        "he wil kill me if i dont help me", "me mata si no", "nos mata si no le abro", "dice que si hablo me mata",
        "mi papá me va a matar si no ayuda", "si lo denuncio él me", "me apuñala si no",
        "he said he will kill me if. please come", "he will kill me if i dont. hes outside",
        "hell kill us unless. im in the closet", "she said shell stab me if i.. send police",
        "he says hell beat me if i dont. what do i do", "hes gonna kill me if, come quick",
        "me mata si no. por favor vengan", "dice que me va a matar si no. estoy en el closet",
        "dice que si llamo me mata. ya viene", "mi esposo dijo que me mata si. mi dirección es 12 oak",
    ],
)  # fmt: skip
def test_a_threat_whose_end_is_not_written_is_heard(said: str) -> None:
    """Typed in haste, or cut short: the demand behind "if" may be missing, and the deed too; and
    another sentence may follow."""
    assert {"violence", "weapon"} & set(read_combinations().kinds(normal(said))), said


@pytest.mark.parametrize(
    "said",
    [
        "my mom will kill me if i dont do the dishes", "my coach will kill me if i dont lol",
        "my roommate is gonna kill me if i dont take the trash out", "if i scream will the neighbors complain",
        "my coach will kill me if i dont come early", "my boss will kill me if i dont send the report",
        "my roommate will kill me if i dont clean. what do i do lol",
        "mi mamá me mata si no lavo los trastes", "me mata la duda si no", "si llamo a mi hermana ella me ayuda",
        "mi mamá me mata si no ayudo con los trastes", "mi jefe me mata si no llego. estoy en el bus",
    ],
)  # fmt: skip
def test_a_joke_whose_end_is_written_is_none(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


def test_the_end_of_the_text_can_be_a_term() -> None:
    words = {"last": ("help $",), "cut": ("if (i)? $",), "kill": ("kill me",)}
    heard = Combinations([Lexicon(words, {"dangers": (("a", "<last>"), ("b", "<kill> <cut>"))})])
    assert heard.kinds(normal("please help!")) == ("a",)
    assert heard.kinds(normal("help please")) == () == heard.kinds(normal("help $ please"))
    assert heard.kinds(normal("hell kill me if I...")) == ("b",)
    assert heard.kinds(normal("hell kill me if I do")) == ()


@pytest.mark.parametrize(
    "said",
    [
        "can i talk to someone i want to kill myself", "is there someone there i want to die",
        "my therapist isnt answering and i took all my pills", "haha im gonna kill myself",
        "do you have someone who can come my husband has a gun", "how do i get help my mom isnt breathing",
        "doctor said its cancer so im going to kill myself tonight",
        "im ok now but he said he will kill me tonight",
        "he collapsed at the gym and hes not breathing", "she choked on a cookie and is turning blue",
        "my counselor told me to text, i cut my wrists", "can i get help my baby ate pills",
        "we were laughing and then he fell and he isnt breathing",
    ],
)  # fmt: skip
def test_everyday_talk_hides_no_danger_that_is_said_outright(said: str) -> None:
    """Questions to the service, laughter, appointments and good news (`small_talk`) hide what is
    vague, never what is plain."""
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "ya llegó mi ex, está pateando la puerta", "me pegó otra vez, así es él", "algún día me va a matar",
        "le pegó al niño por un berrinche y sangra", "mi papá se llama juan, trae un machete y está gritando",
        "no estoy bien, tengo las pastillas en la mano", "no se puede mover, está tirado en el piso",
        "en la boda se están peleando con botellas, uno sangra mucho", "ya se durmió y no despierta, tomó pastillas",
        "no es normal como respira mi bebé, se le hunden las costillas", "es un monstruo, me está pegando",
    ],
)  # fmt: skip
def test_a_name_a_feast_or_an_arrival_hides_no_danger(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    ("said", "is_said", "is_not"),
    [
        ("i was about to call 911 but im afraid theyll shoot him", "violence", "own_weapon"),
        ("i want to call but i think the cops will shoot my son", "violence", "own_weapon"),
        ("if i had my gun i will shoot him", "own_weapon", "threat_staff"),
        ("im gonna find you and kill you dana", "threat_staff", ""),
        ("ill come down there and shoot you", "threat_staff", ""),
        ("he said im gonna kill you", "", "threat_staff"),
        ("my mom said ill kill you lol", "", "threat_staff"),
        ("if the cops come i will shoot them and then me", "suicide", ""),
        ("im going to kill them and myself", "suicide", ""),
        ("dont send an ambulance its too expensive", "", "breathing"),
        ("please dont call an ambulance i cant pay", "", "breathing"),
        ("dont send an ambulance he isnt breathing", "breathing", ""),
        ("me van a encerrar", "", "suicide"), ("me van a encerrar", "", "violence"),
        ("i need to go to work now can they come at 5 instead", "", "violence"),
        ("i have to go to school now will they be here tonight", "", "violence"),
    ],
)  # fmt: skip
def test_whose_weapon_whose_threat_and_whose_death_it_is(
    said: str, is_said: str, is_not: str
) -> None:
    kinds = read_combinations().kinds(normal(said))
    assert not is_said or is_said in kinds
    assert is_not not in kinds


def test_who_went_somewhere_else_is_not_seen_where_nobody_is() -> None:
    for said in ("hes not there anymore he went to the library", "im not there yet"):
        assert "hears_or_sees" not in read_combinations().kinds(normal(said), "markers"), said
    for said in ("he talks to people who are not there", "i see things that are not there"):
        assert "hears_or_sees" in read_combinations().kinds(normal(said), "markers"), said


@pytest.mark.parametrize(
    "beside",
    [
        "im at the dmv", "i was at the thrift store", "wrong number sorry", "i lost my food stamps",
        "i lost my voucher", "the plumber is here", "i was doing my taxes", "its bingo night",
        "the waitlist is so long", "i have surgery tomorrow", "should i call you or 911",
        "do i get in trouble", "you asked where", "a squirrel ran out", "at the day program",
        "i was gardening", "at choir", "whats the law", "on the way to the driving test",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "said",
    [
        "he isnt breathing", "my dad collapsed", "i want to kill myself", "he has a gun",
        "my daughter took all her pills", "she is having a seizure", "im going to hang myself tonight",
    ],
)  # fmt: skip
def test_an_errand_or_a_question_to_us_hides_no_danger(said: str, beside: str) -> None:
    """Dangers happen at bingo and on the way to an office, and who is refused help despairs."""
    assert read_combinations().kinds(normal(f"{said}. {beside}"))
    assert read_combinations().kinds(normal(f"{beside}, {said}"))


@pytest.mark.parametrize(
    "said",
    [
        "lol what if i just wasnt here tomorrow", "walked into the lake to my chest lol",
        "its 9 floors and im looking over, people look like ants lol",
        "throwing up what looks like coffee grounds", "my chest tube came out, i was just discharged",
    ],
)  # fmt: skip
def test_a_laugh_or_an_everyday_word_hides_no_sign_of_danger(said: str) -> None:
    assert read_combinations().kinds(normal(said))


@pytest.mark.parametrize(
    "said",
    [
        "that test was suicide", "my sims drowned in the pool",
        "writing a paper on suicide for school", "my cough syrup tastes like poison",
        "mom calls me 20 times a day",
        "my unresponsive landlord", "said goodbye to my son at college drop off, crying in the car",
        "my brother died of an overdose in may, is there a grief group",
    ],
)  # fmt: skip
def test_what_is_written_worn_or_grieved_is_no_danger(said: str) -> None:
    assert read_combinations().kinds(normal(said)) == (), said


@pytest.mark.parametrize("who", ["he", "my grandma", "a worker", "my client", "the guy next to me"])
@pytest.mark.parametrize(
    "did",
    [
        "cant find the words", "only opens his eyes when i shout", "sliced off a finger", "has a pulse of 30",
        "turned white and sweaty", "went blind in one eye",
        "is hard to breathe and his chest isnt moving", "was under water for two minutes",
        "got stung 30 times", "fell into the grain bin", "got caught in the machine",
        "has hot oil on both arms", "inhaled a whole can of duster", "hasnt eaten in six days",
        "refuses food and water", "got bitten by a copperhead", "is fading in and out",
        "has very low blood sugar", "just slid down on the floor", "has a swollen tongue",
        "has foam at the mouth", "was hit by a train",
    ],
)  # fmt: skip
def test_what_a_body_shows_is_heard_of_anybody(who: str, did: str) -> None:
    assert read_combinations().kinds(normal(f"{who} {did}")), f"{who} {did}"


@pytest.mark.parametrize(
    "said",
    [
        "a man is asleep on the double yellow", "three kids went into the storm drain",
        "she ran back in for the cat", "someone is screaming inside the burning house",
        "the tide came in and we are on a rock", "my deaf son ran out the gate by the highway",
        "the space heater caught the blankets", "he is surfing on top of the train",
        "my nephew floated off on a raft", "grandma is in the street in her nightgown",
    ],
)  # fmt: skip
def test_who_is_where_nobody_should_be_is_in_danger(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "beside",
    [
        "can i change my appointment",
        "what happens if i say yes",
        "is there a free meal today",
        "lol",
    ],
)
@pytest.mark.parametrize(
    "said",
    [
        "my son is on the bridge railing", "hes standing on the edge of the roof",
        "she is on the wrong side of the fence", "a kid is out on the train tracks",
    ],
)  # fmt: skip
def test_whoever_stands_at_an_edge_is_heard_beside_small_talk(said: str, beside: str) -> None:
    assert read_combinations().kinds(normal(f"{said}. {beside}"))
    assert read_combinations().kinds(normal(f"{beside}, {said}"))


@pytest.mark.parametrize(
    "said",
    [
        "dropped twelve benadryls", "took my whole prescription", "swallowed a months supply",
        "gave the baby my zoloft by mistake", "took sunday thru saturday at once",
        "took a bigger shot than usual", "i think the pill was laced", "it wasnt gatorade he drank",
        "took them 20 min ago and im starting to feel weird", "i swallowed forty advil",
    ],
)  # fmt: skip
def test_how_much_was_taken_is_told_in_many_ways(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "deed", ["die", "kill myself", "hurt myself", "end my life", "hang myself"]
)
@pytest.mark.parametrize(
    "turns", ["but i will", "but i have to", "but i cant stop", "but i keep thinking about it"]
)
def test_who_does_not_want_to_but_will_is_in_danger(deed: str, turns: str) -> None:
    """The first half alone is a denial."""
    assert read_combinations().kinds(normal(f"i dont want to {deed} {turns}"))
    assert read_combinations().kinds(normal(f"i dont want to {deed}")) == () or deed == "die"


@pytest.mark.parametrize(
    "said",
    [
        "help me not kill myself", "someone take my gun away from me before i use it",
        "talk me off the ledge", "cops wont take me alive", "gonna uninstall life",
        "we made a pact", "if i go the kids come with me", "this is my last winter",
        "last time i tried they found me, this time they wont", "one more step and its over",
        "my thighs are sliced up", "i hit beans", "she showed me her cuts",
        "i keep seeing myself jump", "the razor is right here", "almost turned the wheel into a wall",
        "nobody would miss her she says", "quit taking my insulin, thats the plan",
        "tonight im brave enough to do it", "partial suspension tonight",
    ],
)  # fmt: skip
def test_ways_out_are_heard_without_the_word(said: str) -> None:
    assert read_combinations().kinds(normal(said)), said


@pytest.mark.parametrize(
    "said",
    [
        "im fixing to jump", "im gone end it", "im boutta kill myself", "am going to kill myself",
        "am cutting and its deeper than i meant to", "im bleeding and i can not stop it",
        "the baby is comin right now", "he will not wake up", "i think i like killed him",
        "he is gonna like hurt me", "he has a gun period please hurry period",
        "he keeps touchin the kids", "ma sister is not breathing", "i took like all the pills",
        "ion want to be alive", "hes gonna kill me and he wont lemme go", "i got nun left to live for",
        "a rider is waving a knife around", "some fella grabbed my little girl and ran",
        "one of our guests is beating another guest", "memaw is not breathing",
        "my homegirl took all her pills", "he kinda has a gun", "he went and got his gun to kill me",
    ],
)  # fmt: skip
def test_dialect_dictation_and_fillers_hide_no_danger(said: str) -> None:
    assert read_combinations().dangers(said), said


@pytest.mark.parametrize(
    "said",
    [
        "he pulled his stick on me", "hes gonna murk him", "im gonna off myself",
        "hes holding a butcher knife", "he clocked me in the face", "he busted my lip",
        "she passed smooth out", "a man broke in my trailer", "he is wailing on her",
        "somebody has a toolie on him", "my son took all my gabbys",
        "shes having an epilepsy attack",
    ],
)  # fmt: skip
def test_another_word_for_the_same_thing_is_heard(said: str) -> None:
    assert read_combinations().dangers(said), said


@pytest.mark.parametrize(
    "said",
    [
        "i clocked in at 8", "he keeps his hunting rifle in the safe", "i smoke with him sometimes",
        "there is mold in my trailer", "i lost my pocket knife", "decked out for prom",
        "smoked brisket in my camper", "my crib is messy",
    ],
)  # fmt: skip
def test_a_slang_word_in_its_plain_meaning_is_no_danger(said: str) -> None:
    assert not read_combinations().dangers(said), said


@pytest.mark.parametrize("laugh", ["lol", "lmao", "lmfao", "haha", "😂", "💀"])
@pytest.mark.parametrize(
    "said",
    [
        "he has a gun", "my dad is hitting my mom", "i want to kill myself",
        "i took a whole bottle of pills", "hes choking me",
    ],
)  # fmt: skip
def test_a_laugh_behind_it_hides_no_danger(said: str, laugh: str) -> None:
    assert read_combinations().dangers(f"{said} {laugh}")


@pytest.mark.parametrize(
    "said",
    [
        "he hit on me at work so awkward", "my son broke in his new shoes", "got the axe at work",
        "these heels gonna be the death of me", "food stamps got cut again", "out cold by 9",
        "he dragged me on twitter", "insulin shot at 8 like always", "he jumped the line",
        "my kid is being teased about his stutter", "i could strangle my brother he ate my food",
        "being followed by 200 people", "i want to disappear into a good book",
        "bungee jumping off a bridge someday", "that dress is to die for",
        "he isnt thinking of hurting himself",
    ],
)  # fmt: skip
def test_a_saying_is_no_danger(said: str) -> None:
    assert not read_combinations().dangers(said), said


@pytest.mark.parametrize(
    "said",
    [
        "he hit me on the head at work", "someone broke in his house and he is bleeding",
        "he got the axe in his hand", "i want to disappear forever", "i cut my wrist again",
        "he dragged me down the stairs", "they jumped my brother", "i want to die for real",
        "he'll kill me when he sees this", "im being followed by a man",
        "she jumped off a bridge", "i could strangle him right now i have my hands on his neck",
    ],
)  # fmt: skip
def test_what_only_begins_like_a_saying_is_heard(said: str) -> None:
    assert read_combinations().dangers(said), said


@pytest.mark.parametrize("done", ["headbutting", "strangling", "kicking", "tying up"])
@pytest.mark.parametrize(
    "form",
    [
        "my caseworker is {} her",
        "a homeless man keeps {} the cashier",
        "my bestie wouldnt stop {} my neighbor",
        "my wife been {} my mom",
        "these kids {} an old man",
        "i caught tiff {} another kid",
    ],
)
def test_violence_that_goes_on_is_heard_in_every_form(done: str, form: str) -> None:
    assert read_combinations().kinds(normal(form.format(done)))


@pytest.mark.parametrize("act", ["headbutt", "bite", "smother", "shove into the wall"])
@pytest.mark.parametrize("form", ["{} tryna {} {}", "{} want {} {}", "{} is about to {} {}"])
@pytest.mark.parametrize(("who", "whom"), [("my boss", "the cashier"), ("these kids", "tiana")])
def test_violence_that_is_wanted_is_heard_in_every_form(
    act: str, form: str, who: str, whom: str
) -> None:
    verb, _, where = act.partition(" ")

    assert read_combinations().kinds(normal(f"{form.format(who, verb, whom)} {where}"))


TOLD = [
    "no spoilers but the dad strangles the nurse at the end",
    "have u seen the one where the detective chases the girl with an axe",
    "in greys anatomy a teenager falls off the roof",
    "whats the policy if a tenant pulls a gun",
    "our church wants a speaker on child abuse",
    "nobody is unconscious, i need food",
    "my uncle shot two ducks opening day",
]


@pytest.mark.parametrize("told", TOLD)
def test_what_is_told_asked_about_or_denied_is_no_danger(told: str) -> None:
    assert not read_combinations().kinds(normal(told))


@pytest.mark.parametrize("told", TOLD)
@pytest.mark.parametrize("danger", ["he has a gun", "she is not breathing", "he is hitting my mom"])
def test_what_is_told_hides_no_danger_beside_it(told: str, danger: str) -> None:
    assert read_combinations().kinds(normal(f"{told} and {danger}"))


@pytest.mark.parametrize(
    "said",
    [
        "my ex is standing outside my window and wont leave",
        "a drunk guy is in the yard and im home alone",
        "i turned my phone on silent so he cant find me",
        "they pushed the dresser against the door because of him",
        "some guy is going room to room looking for me",
    ],
)
def test_somebody_who_lurks_is_heard(said: str) -> None:
    assert read_combinations().kinds(normal(said))


@pytest.mark.parametrize(
    "said",
    [
        "my neighbor is in the yard yelling at his dog",
        "he is at the door with a pizza",
        "my ex is at my house picking up the kids",
        "i put the chair against the door to hold it open",
    ],
)
def test_whoever_visits_does_not_lurk(said: str) -> None:
    assert not read_combinations().kinds(normal(said))


HARMLESS_IN_SPANISH = [
    "le tiraron un penal y lo falló",
    "no me duele el pecho",
    "no quiero matar a nadie",
    "mi niño no se desmayó ni nada",
    "se me rompió el celular",
    "esta corbata me ahorca",
    "quiero acabar la escuela",
    "me apuntaron en la lista de espera",
    "estoy atrapada en el tráfico",
    "un ganso me correteó en el parque",
    "se quemó mi comida",
    "le pegaron al carro en el estacionamiento",
    "cuestionario de suicidio en la escuela",
    "mi abuelo toma 8 pastillas",
    "ya decidí que me voy a divorciar",
    "me reía tanto que no podía respirar",
    "mi hija se perdió el recital",
    "mataron a mi primo en honduras",
]


@pytest.mark.parametrize("said", HARMLESS_IN_SPANISH)
def test_spanish_talk_that_only_sounds_like_a_danger_is_none(said: str) -> None:
    assert not read_combinations().dangers(said), said


@pytest.mark.parametrize("said", HARMLESS_IN_SPANISH)
@pytest.mark.parametrize("danger", ["él tiene una pistola", "mi bebé no respira", "me voy a matar"])
def test_such_spanish_talk_hides_no_danger_beside_it(said: str, danger: str) -> None:
    assert read_combinations().dangers(f"{said} y {danger}")


@pytest.mark.parametrize(
    "said",
    [
        "no quiero matar a nadie pero las voces me obligan",
        "mi bebé no moja el pañal",
        "de niña pensé en morirme y hoy otra vez",
        "me apuntaron en la cabeza",
        "mi abuela toma muchas pastillas hoy para no despertar",
        "se le disparó la pistola",
    ],
)
def test_close_to_such_spanish_talk_is_a_danger(said: str) -> None:
    assert read_combinations().dangers(said), said


@pytest.mark.parametrize(
    "said",
    [
        "no dije nada antes me voy a matar",
        "no le dije a nadie me voy a matar",
        "nunca se lo conté a nadie mi papá me viola",
        "no escribí antes me tomé las pastillas",
        "no quería preocupar a nadie me duele el pecho",
    ],
)
def test_a_silence_till_now_hides_nothing_behind_it(said: str) -> None:
    assert read_combinations().dangers(said), said


@pytest.mark.parametrize(
    "said",
    [
        "nomás que se duerman todos", "no voy a llegar a navidad", "esta es mi última foto",
        "me despedí de mi ex y nomás falta mi mamá", "ya tiene escogido el día y la hora",
        "mi mamá puso la palabra clave que teníamos", "no me llame mi esposo está en la sala",
        "no encuentro la escopeta ni a mi esposo", "me dijo que cavara mi propia tumba",
        "tienen a mi hijo secuestrado", "mi primo está secuestrado", "nos vienen siguiendo",
        "el conductor puso los seguros y no va para mi casa", "no pueden respirar",
        "mi hijo fue mordido por una serpiente", "estoy en la cajuela de un carro",
        "le dio un pasón a mi carnal",
        "el congelador se cerró y mi compañero está adentro", "nació y no llora",
        "se quedó el carro en las vías", "me obligan a lastimarla", "ya viene con el cinto",
        "le cayó aceite hirviendo en la cara a mi hija", "se nos fueron los frenos y vamos bajando",
    ],
)  # fmt: skip
def test_a_danger_half_said_in_spanish_is_heard(said: str) -> None:
    assert read_combinations().dangers(said), said
